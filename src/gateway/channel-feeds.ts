import { NEVER } from 'rxjs';
import type { EndpointChannels } from '../actors/endpoint/channel-port.ts';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { TopicFeed } from '../channels/feed/topic-feed.ts';
import { Recoveries } from '../channels/recovery/recoveries.ts';
import { recoveryMetrics } from '../channels/recovery/recovery-metrics.ts';
import { feedPlanOf, type PipelineConfig, partitionsOf } from '../config/index.ts';
import type { EarlierPart } from '../core/channel-feed.ts';
import { Rerun } from '../pipelines/rerun.ts';
import { compileStages } from '../pipelines/stages.ts';
import type { EndpointPort } from '../sdk/context.ts';
import { makeComponent } from '../sdk/make.ts';
import { createStats, type Stats } from '../telemetry/stats.ts';
import { componentContext } from './component-context.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { PipelineEndpoint, PipelineEndpoints, PipelineFeed } from './pipeline-endpoint.ts';

interface FedPipeline {
  readonly name: string;
  readonly settings: PipelineConfig;
  readonly stats: Stats;
}

/** Undefined where channels have no positions: the endpoint keeps no history of them, or the settings do not allow it. */
export function feedOf(
  context: GatewayContext,
  endpoints: PipelineEndpoints,
  fed: FedPipeline,
  pipeline: () => Pipeline,
): PipelineFeed | undefined {
  const plan = feedPlanOf(context.config, fed.name);
  const endpoint = plan && endpoints.get(plan.endpoint);
  if (plan === undefined || endpoint?.channels?.hasHistory !== true) return undefined;
  const { topic, template, names, isByKey } = plan;
  const partitions = partitionsOf(context.config, topic) ?? 1;
  const joining = joiningOf(endpoint);
  const feed = new TopicFeed({
    name: `${fed.name} to ${plan.endpoint}: ${template}`,
    topic,
    names,
    isByKey,
    isDoubted: partitions > 1,
    admin: context.log.admin,
    channels: endpoint.channels,
    recoveries: recoveriesOf(context, fed, plan, endpoint.channels, (part) => feed.extend(part)),
    settled: () => pipeline().settled(),
    inFlight: () => pipeline().inFlight.messages,
    known: joining.done('known'),
    clock: context.clock,
    logger: context.scoped('channels', { endpoint: plan.endpoint, pipeline: fed.name }),
  });
  context.feeds.began(feed);
  const caughtUp = joining.done('read');
  return {
    endpoints: new Map([[plan.endpoint, fedBy(endpoint, feed)]]),
    follower: feed,
    caughtUp: () => void pipeline().settled().then(caughtUp),
    breaking: () => feed.breaking(),
    ended: () => {
      caughtUp();
      void feed.close();
      context.feeds.ended(feed);
    },
  };
}

/** Clients join once it is known where channels are, and what was there has been read. */
function joiningOf(endpoint: PipelineEndpoint) {
  const waiting = new Set(['known', 'read']);
  endpoint.historyBegins();
  return {
    done: (what: 'known' | 'read') => () => {
      if (waiting.delete(what) && waiting.size === 0) endpoint.historyIsRead();
    },
  };
}

function fedBy(endpoint: PipelineEndpoint, feed: TopicFeed): EndpointPort {
  return {
    received$: endpoint.received$,
    pause: () => endpoint.pause(),
    resume: () => endpoint.resume(),
    deliver: (batch) => endpoint.deliver(batch),
    publish: (batch, channels) => endpoint.publish(batch, channels, feed.passes(batch) ? feed : undefined),
  };
}

function recoveriesOf(
  context: GatewayContext,
  fed: FedPipeline,
  { endpoint, topic }: { readonly endpoint: string; readonly topic: string },
  channels: Pick<EndpointChannels, 'keptOfEach'>,
  extend: (part: EarlierPart) => void,
): Recoveries | undefined {
  const { log, clock, config, memory } = context;
  const settings = config.endpoints[endpoint]?.channels?.recover;
  if (settings === undefined) return undefined;
  return new Recoveries({
    log,
    topic,
    settings,
    makeRerun: (publish) => rerunOf(context, fed, endpoint, publish),
    last: () => channels.keptOfEach,
    extend,
    clock,
    metrics: recoveryMetrics(fed.stats, endpoint),
    memory,
  });
}

/** The processors and the sink of the pipeline once more; what the sink gives the endpoint goes to `publish`. */
function rerunOf(
  context: GatewayContext,
  { name, settings }: FedPipeline,
  endpoint: string,
  publish: EndpointPort['publish'],
): Rerun {
  const closing = new AbortController();
  const port: EndpointPort = {
    received$: NEVER,
    pause: () => {},
    resume: () => {},
    deliver: (batch) => batch.ack(),
    publish,
  };
  // What its components count was counted when the records were read for the first time.
  const own = { stats: createStats(), signal: closing.signal };
  const component = (place: string) =>
    componentContext(context, `pipelines.${name}.${place}`, new Map([[endpoint, port]]), undefined, own);
  const { sink, processors, batch, in_flight, on_error } = settings;
  return new Rerun({
    stages: compileStages(processors, { contextOf: component, isInOrder: true }),
    sink: makeComponent(sink.spec, sink.config, component('sink')),
    batch,
    inFlight: in_flight,
    retries: on_error.retries,
    backoff: on_error.backoff,
    clock: context.clock,
    closed: () => closing.abort(),
  });
}
