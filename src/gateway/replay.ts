import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { type ReplayLimits, replayStart } from '../actors/endpoint/history.ts';
import { type EndpointConfig, endpointsOf, type PipelineConfig, sinksOf } from '../config/index.ts';
import type { StartPosition } from '../core/log.ts';
import type { GatewayContext } from './gateway-context.ts';

/** How the history of a topic gets to the clients of an endpoint. */
export interface Replay {
  /** Where reading begins; called once by each source that reads. */
  from(): StartPosition;
  /** The source has handed on what was there when it began. */
  isRead(): void;
  /** Whether the endpoint has it already, from a pipeline before this one. */
  readonly isFilled: boolean;
  /** The pipeline has ended: nothing waits for what it has not read. */
  ended(): void;
}

/** undefined where clients get no history. */
export function replayLimits({ replay }: EndpointConfig): ReplayLimits | undefined {
  if (replay === undefined || replay.last === 0) return undefined;
  const { last, since, offsets, bytes } = replay;
  if (last !== undefined) return { last, bytes };
  if (since === undefined) return { from: { offsets: offsets ?? {} }, bytes };
  return 'age' in since ? { age: since.age, bytes } : { from: { timestamp: since.moment }, bytes };
}

/** For a pipeline whose clients get history when they join. `settled`: no message is in flight in it. */
export function replayOf(
  context: GatewayContext,
  endpoints: ReadonlyMap<string, Pick<Endpoint, 'historyBegins' | 'historyIsRead' | 'hasHistory'>>,
  settings: PipelineConfig,
  settled: () => Promise<void>,
): Replay | undefined {
  const [name] = endpointsOf(sinksOf(settings));
  const endpoint = name === undefined ? undefined : endpoints.get(name);
  const config = name === undefined ? undefined : context.config.endpoints[name];
  const limits = config === undefined ? undefined : replayLimits(config);
  if (endpoint === undefined || limits === undefined) return undefined;
  let isReading = false;
  const end = () => {
    if (isReading) endpoint.historyIsRead();
    isReading = false;
  };
  return {
    get isFilled() {
      return endpoint.hasHistory;
    },
    ended: end,
    from: () => {
      isReading = true;
      endpoint.historyBegins();
      return replayStart(limits, context.clock.now());
    },
    isRead: () => {
      settled()
        .then(end)
        .catch((error: unknown) => context.logger.error({ error }, 'the history buffer could not be filled'));
    },
  };
}
