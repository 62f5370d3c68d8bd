import { channelHistoryOf } from '../schema/channels-schema.ts';
import type { ParsedConfig, PipelineConfig } from '../schema/schema.ts';
import { type ChannelSink, channelSinks, overlap } from './channel-feeds.ts';
import { sourcesOf } from './ends.ts';
import { endpointsOf } from './pipeline-uses.ts';

type Pipelines = ParsedConfig['pipelines'];

/** Where only one pipeline may be at a time. */
interface Place {
  readonly pipeline: string;
  readonly settings: PipelineConfig;
  readonly endpoint: string;
}

/**
 * Pipelines of `wanted` that are to be where another one is in `current`, and not any more: they begin once that one has ended.
 *
 * - At channels with a history: a channel would else get records of both.
 * - At an endpoint that they read, as when a pipeline gets another name: both would get each message of its clients, and the first one,
 *   when it ends, would pause the endpoint that the second one reads.
 */
export function takingOver(
  current: Pipelines,
  wanted: Pick<ParsedConfig, 'pipelines' | 'endpoints'>,
): ReadonlySet<string> {
  const among = <P extends Place>(before: readonly P[], after: readonly P[], meet: (left: P, taking: P) => boolean) => {
    const left = before.filter(({ pipeline, settings }) => wanted.pipelines[pipeline] !== settings);
    const isTaking = (place: P) =>
      current[place.pipeline] !== place.settings &&
      left.some((one) => one.pipeline !== place.pipeline && one.endpoint === place.endpoint && meet(one, place));
    return after.filter(isTaking).map(({ pipeline }) => pipeline);
  };
  const hasHistory = ({ endpoint }: ChannelSink) =>
    channelHistoryOf(wanted.endpoints[endpoint]?.channels) !== undefined;
  return new Set([
    ...among(channelSinks({ pipelines: current }), channelSinks(wanted).filter(hasHistory), (left, taking) =>
      overlap(left.names, taking.names),
    ),
    ...among(readersIn(current), readersIn(wanted.pipelines), () => true),
  ]);
}

function readersIn(pipelines: Pipelines): Place[] {
  return Object.entries(pipelines).flatMap(([pipeline, settings]) =>
    endpointsOf(sourcesOf(settings)).map((endpoint) => ({ pipeline, settings, endpoint })),
  );
}
