import type { z } from 'zod';
import type { S2Options } from '../config/schema/s2.ts';
import type { gatewaySchema } from '../config/schema/schema.ts';
import type { StandaloneFiles } from '../connect/settings/standalone/standalone.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { ProgramServer } from '../transports/websocket/attached.ts';

type Settings = z.input<ReturnType<typeof gatewaySchema>>;
type ListenerSettings = NonNullable<Settings['listeners']>[string];

/**
 * A configuration as an object, with the settings of docs/reference/config.md. Texts are taken as they are: variables
 * such as `${PORT}` are for YAML. Without `admin` there is no admin port.
 */
export type ConfigObject = Omit<Settings, 'listeners'> & {
  /** Ports by name; a listener needs none if a server of the program takes its place. */
  readonly listeners?: Readonly<Record<string, Partial<ListenerSettings>>>;
};

/** A configuration in a file; what is relative in it starts from there. */
export interface ConfigFile {
  /** Path of the YAML. */
  readonly file: string;
}

/** Lines below it are left out. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** What `createGateway` takes beside the configuration. */
export interface RunOptions {
  /**
   * A logger as pino's are, or the level of one that writes to standard error; `warn` where it is left out. Errors come
   * as the fact `error`, so give a pino logger `serializers: { error: pino.stdSerializers.err }`. The variable DEBUG
   * (`tidegate:*`, `tidegate:lane` ...) makes the one on standard error say more.
   */
  readonly logger?: Logger | LogLevel;
  /**
   * An HTTP or HTTPS server of the program that takes the place of the only listener of the configuration, or several by
   * the listeners' names. Only handshakes for the endpoints' paths are taken from it; all other handshakes, and all
   * requests, are the program's. It is neither opened nor closed, and the listener's port is not bound.
   */
  readonly server?: ProgramServer | Readonly<Record<string, ProgramServer>>;
}

/** What `createGateway` takes. */
export type GatewayOptions = RunOptions &
  (
    | {
        /** YAML, or a file of it: what `tidegate run` takes. */
        readonly config: string | ConfigFile;
        readonly s2?: undefined;
        readonly standalone?: undefined;
      }
    | {
        readonly config?: ConfigObject;
        /**
         * What a program gave to S2's `new WSKafka(...)`. It adds an endpoint `topics` to the configuration whose clients may
         * create, list, read and write every topic and join every group, at any path of `websocket_config.port` (8085).
         */
        readonly s2?: S2Options;
        readonly standalone?: undefined;
      }
    | {
        /** Further sections of the configuration, such as `admin`. */
        readonly config?: Omit<ConfigObject, 'log' | 'connect'>;
        readonly s2?: undefined;
        /**
         * Files that Kafka Connect's `connect-standalone.sh` takes: the properties of a worker, and those of connectors,
         * which are this gateway's alone.
         */
        readonly standalone: StandaloneFiles;
      }
  );
