import type { Observable } from 'rxjs';
import type { Batch } from '../core/batch.ts';
import type { Clock } from '../core/clock.ts';
import type { Sink, Source } from '../core/component.ts';
import type { StartPosition } from '../core/log.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { FeedSettings, RemoteSinkSettings } from './remote.ts';

/** What a component may use of the gateway that runs it. */
export interface ComponentContext {
  /** Where it stands in the configuration, such as `pipelines.rooms-in.sink`. */
  readonly path: string;
  readonly logger: Logger;
  readonly stats: Stats;
  readonly clock: Clock;
  readonly gateway: GatewayPorts;
}

/** The parts of a running gateway that sources and sinks connect. */
export interface GatewayPorts {
  endpoint(name: string): EndpointPort;
  topic(name: string): TopicPort;
  subscribe(options: SubscribeOptions): Source;
  /** The messages of WebSocket servers out there, which the gateway dials again and again. */
  feed(settings: FeedSettings): Source;
  /** A WebSocket server out there as a sink. */
  remote(settings: RemoteSinkSettings): Sink;
}

/** A WebSocket endpoint with all its connections on this gateway. */
export interface EndpointPort {
  /** Messages of all connections, one batch per event-loop turn. */
  readonly received$: Observable<Batch>;
  pause(): void;
  resume(): void;
  /** Hands records to every connection; a slow one falls under the endpoint's policy and never holds up others. */
  deliver(batch: Batch): void;
}

/** A topic that is written to. */
export type TopicPort = Pick<Sink, 'write' | 'idle' | 'idle$'>;

export interface SubscribeOptions {
  readonly topics: readonly string[];
  readonly from: StartPosition;
  /** Share partitions with the other members of this group; without one every gateway sees every record. */
  readonly group?: string;
}
