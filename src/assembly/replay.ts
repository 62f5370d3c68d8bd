import type { Audience } from '../actors/audience/audience.ts';
import { type ReplayLimits, replayStart } from '../actors/audience/history.ts';
import { type EndpointConfig, endpointsOf, type PipelineConfig } from '../config/index.ts';
import type { StartPosition } from '../core/log.ts';
import type { Workshop } from './workshop.ts';

/** How the past of a topic gets to an endpoint's clients. */
export interface Replay {
  /** Where to begin reading; asked once by each source that does. */
  from(): StartPosition;
  /** The source has handed on what was there when it began. */
  isRead(): void;
}

/** undefined where clients get nothing of the past. */
export function replayLimits({ replay }: EndpointConfig): ReplayLimits | undefined {
  if (replay === undefined || replay.last === 0) return undefined;
  const { last, since, offsets, bytes } = replay;
  if (last !== undefined) return { last, bytes };
  if (since === undefined) return { from: { offsets: offsets ?? {} }, bytes };
  return 'age' in since ? { age: since.age, bytes } : { from: { timestamp: since.moment }, bytes };
}

/** For a pipeline whose clients get something of the past when they come. `settled`: nothing is on its way in it. */
export function replayOf(
  workshop: Workshop,
  audiences: ReadonlyMap<string, Audience>,
  { sink }: PipelineConfig,
  settled: () => Promise<void>,
): Replay | undefined {
  const [name] = endpointsOf(sink);
  const audience = name === undefined ? undefined : audiences.get(name);
  const config = name === undefined ? undefined : workshop.config.endpoints[name];
  const limits = config === undefined ? undefined : replayLimits(config);
  if (audience === undefined || limits === undefined) return undefined;
  return {
    from: () => {
      audience.historyBegins();
      return replayStart(limits, workshop.clock.now());
    },
    isRead: () => {
      settled()
        .then(() => audience.historyIsRead())
        .catch((error: unknown) => workshop.logger.error({ error }, 'what clients get of the past could not be kept'));
    },
  };
}
