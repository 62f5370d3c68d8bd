import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import type { ReaderFollower } from '../actors/subscription.ts';
import type { EndpointPort } from '../sdk/context.ts';

/** What a pipeline uses of an endpoint. */
export type PipelineEndpoint = EndpointPort &
  Pick<Endpoint, 'presence' | 'channels' | 'historyBegins' | 'historyIsRead' | 'hasHistory'>;

export type PipelineEndpoints = ReadonlyMap<string, PipelineEndpoint>;

/** How the records of a pipeline get positions in channels. */
export interface PipelineFeed {
  /** By its name, the endpoint as the sink has it. */
  readonly endpoints: ReadonlyMap<string, EndpointPort>;
  /** Hears of the reader of the pipeline. */
  readonly follower: ReaderFollower;
  /** The reader has handed on what was there when it began. */
  caughtUp(): void;
  /** The pipeline breaks; what is in flight is not nacked yet. */
  breaking(): void;
  /** The pipeline has ended. */
  ended(): void;
}
