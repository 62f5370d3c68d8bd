import type { Server, ServerOptions } from 'node:https';

/** TLS of a port. */
export interface ServerTls {
  /** What its server is created with. */
  readonly options: ServerOptions;
  /** Called once, with that server, before it listens. */
  attach(server: Server): void;
  /** The port is closed: certificates are no longer watched. */
  close(): void;
}
