import { ConsumerGroup } from '../actors/consumer-group/consumer-group.ts';
import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { Subscription } from '../actors/subscription.ts';
import type { Batch } from '../core/batch.ts';
import type { Source } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import { TopicCursors } from '../feeds/cursor-topic.ts';
import type { ComponentContext, CursorStore, GatewayPorts, SubscribeOptions } from '../sdk/context.ts';
import type { Stats } from '../telemetry/stats.ts';
import { dialWebSocket } from '../transports/websocket/client.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { PipelineTransactions } from './pipeline-transactions.ts';
import type { Replay } from './replay.ts';

/** Where cursors are kept if the configuration names no other topic. */
const CURSORS = '_tidegate.cursors';

const NONE: ReadonlyMap<string, Endpoint> = new Map();

/** What a component gets in place of the gateway's own, if a connector runs it. */
export interface ConnectorPorts {
  readonly cursors: CursorStore;
  readonly onStatus: GatewayPorts['onStatus'];
  readonly stats: Stats;
}

/** What a component gets of its gateway. `path`: where it is in the configuration. */
export function componentContext(
  context: GatewayContext,
  path: string,
  endpoints: ReadonlyMap<string, Endpoint> = NONE,
  replay?: Replay,
  connector: Partial<ConnectorPorts> = {},
  transactions?: PipelineTransactions,
): ComponentContext {
  const { clock, tracing } = context;
  const { stats = context.stats, cursors, onStatus = () => {} } = connector;
  return {
    path,
    logger: context.scoped('component', { component: path }),
    stats,
    tracing,
    clock,
    gateway: {
      endpoint: (name) => {
        const endpoint = endpoints.get(name);
        if (endpoint === undefined)
          throw new TidegateError('TG_CONFIG_INVALID', `${path}: there is no endpoint ${name}`);
        return endpoint;
      },
      topic: (name) => transactions?.topic(name) ?? context.topic(name),
      subscribe: (options) => subscribe(context, options, replay, transactions),
      dial: dialWebSocket,
      cursors: (topic = CURSORS) => cursors ?? topicCursors(context, path, topic),
      onStatus,
    },
  };
}

function topicCursors(context: GatewayContext, path: string, topic: string): CursorStore {
  const { log, clock } = context;
  context.reading.opening([topic]);
  const logger = context.scoped('remote', { component: path });
  return new TopicCursors({ topic, log, port: context.topic(topic), clock, logger });
}

function subscribe(
  context: GatewayContext,
  { topics, from, group }: SubscribeOptions,
  replay: Replay | undefined,
  transactions: PipelineTransactions | undefined,
): Source {
  const common = {
    log: context.log,
    topics,
    logger: context.scoped('consumer'),
    polled: (batch: Batch) => context.reading.polled(batch, group),
    report: context.reading,
  };
  if (group === undefined)
    return new Subscription({
      ...common,
      from: replay?.from() ?? from,
      clock: context.clock,
      ...(replay === undefined ? {} : { caughtUp: replay.isRead }),
    });
  context.ownGroups.add(group);
  const source = new ConsumerGroup({
    ...common,
    group,
    from: from === 'earliest' ? 'earliest' : 'latest',
    transactions: transactions?.optionsFor(group),
  });
  transactions?.readBy(source);
  return source;
}
