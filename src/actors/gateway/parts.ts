import type { Log, TopicSpec } from '../../core/log.ts';
import type { Logger } from '../../telemetry/logger.ts';
import type { Audience } from '../audience/audience.ts';
import type { Groups } from '../consumer-group/groups.ts';
import type { Listener } from '../listener/listener.ts';
import type { LogLink } from '../log-link/log-link.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Topic } from '../topic/topic.ts';

/** Connectors, which make pipelines of their own. */
export interface ConnectorsPart {
  /** The topics exist by now. */
  start(): void;
  /** Settles what was read and hands everything over to the other gateways. */
  drained(): Promise<void>;
  close(): Promise<void>;
  /** Why they cannot be asked about yet. */
  readonly trouble: string | undefined;
  /** Messages whose outcome is not known. */
  readonly unsettled: number;
}

/** What a gateway is made of, put together by the composition root. */
export interface GatewayParts {
  readonly log: Log;
  readonly link: LogLink;
  readonly listeners: readonly Listener[];
  readonly audiences: readonly Audience[];
  /** Groups whose records clients share out among themselves. */
  readonly groups: Groups;
  /** In the order of the configuration. */
  readonly pipelines: readonly Pipeline[];
  /** Pipelines that read as members of a group: they stop before the sockets, and leave their group last. */
  readonly groupPipelines: readonly Pipeline[];
  /** Topics that are written to; the map grows while pipelines are made. */
  readonly topics: ReadonlyMap<string, Topic>;
  /** Topics that have to exist before pipelines start; `create` false: only checked. */
  readonly wantedTopics: readonly (TopicSpec & { readonly create: boolean })[];
  readonly connectors?: ConnectorsPart | undefined;
  readonly logger: Logger;
}
