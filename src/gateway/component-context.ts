import { ConsumerGroup } from '../actors/consumer-group/consumer-group.ts';
import { MatchedTopics, type TopicsSource } from '../actors/matched-topics.ts';
import { Subscription } from '../actors/subscription.ts';
import { isSame } from '../config/difference/same-settings.ts';
import type { Batch } from '../core/batch.ts';
import type { Source } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import { TopicCursors } from '../feeds/resume/cursor-topic.ts';
import type {
  ConnectedContext,
  CursorStore,
  EndpointPort,
  FollowOptions,
  GatewayPorts,
  SubscribeOptions,
  TopicFollower,
} from '../sdk/context.ts';
import { Follower } from '../tables/follower.ts';
import type { Stats } from '../telemetry/stats.ts';
import { dialWebSocket } from '../transports/websocket/client.ts';
import type { GatewayContext } from './gateway-context.ts';
import { namedTopicsOf } from './named-topics.ts';
import type { PipelineFeed } from './pipeline-endpoint.ts';
import type { PipelineTransactions } from './pipeline-transactions.ts';
import type { Replay } from './replay.ts';
import { SavedState } from './saved-state.ts';

/** Most topics that patterns match, unless the settings have another limit. */
const MAX_TOPICS = 1_000;
/** Where cursors are kept if the configuration names no other topic. */
const CURSORS = '_tidegate.cursors';
/** Where the state of components is kept. */
const STATE = '_tidegate.state';
/** A component that no pipeline closes, as a codec. */
const NEVER_ABORTED = new AbortController().signal;

const NONE: ReadonlyMap<string, EndpointPort> = new Map();

/** What a component gets in place of the gateway's own: of its pipeline, or of the connector that runs it. */
export interface OwnPorts {
  readonly cursors: CursorStore;
  readonly onStatus: GatewayPorts['onStatus'];
  readonly stats: Stats;
  /** Aborts when the component's pipeline is closed. */
  readonly signal: AbortSignal;
  /** By which the records of its pipeline have positions in channels. */
  readonly feed: PipelineFeed | undefined;
}

const NO_TOPICS: ReadonlySet<string> = new Set();

/** What a component gets of its gateway. `path`: where it is in the configuration; `ownTopics`: those that its pipeline writes to. */
export function componentContext(
  context: GatewayContext,
  path: string,
  endpoints: ReadonlyMap<string, EndpointPort> = NONE,
  replay?: Replay,
  own: Partial<OwnPorts> = {},
  ownTopics: ReadonlySet<string> = NO_TOPICS,
  transactions?: PipelineTransactions,
): ConnectedContext {
  const { clock, tracing } = context;
  const { stats = context.stats, cursors, onStatus = () => {}, signal = NEVER_ABORTED } = own;
  return {
    path,
    logger: context.scoped('component', { component: path }),
    stats,
    clock,
    signal,
    tracer: { span: (of, name, attributes) => tracing.component(of, name, attributes) },
    state: new SavedState(() => topicCursors(context, path, STATE), { path, clock, signal }),
    gateway: {
      tracing,
      endpoint: (name) => {
        const endpoint = endpoints.get(name);
        if (endpoint === undefined)
          throw new TidegateError('TG_CONFIG_INVALID', `${path}: there is no endpoint ${name}`);
        return endpoint;
      },
      topic: (name) => transactions?.topic(name) ?? context.topic(name),
      namedTopics: transactions?.namedTopics(namedTopicsOf(context)) ?? namedTopicsOf(context),
      subscribe: (options) => subscribe(context, options, { path, replay, feed: own.feed, ownTopics, transactions }),
      follow: (options) => follow(context, options),
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

function follow(context: GatewayContext, { next, ...options }: FollowOptions): TopicFollower {
  const { log, clock, reading } = context;
  const polled = (batch: Batch) => {
    reading.polled(batch, undefined);
    next(batch);
  };
  return new Follower({ ...options, log, clock, logger: context.scoped('consumer'), report: reading, next: polled });
}

/** What reading has of its pipeline. */
interface ReadingParts {
  /** Of the source. */
  readonly path: string;
  readonly replay: Replay | undefined;
  readonly feed: PipelineFeed | undefined;
  readonly ownTopics: ReadonlySet<string>;
  readonly transactions: PipelineTransactions | undefined;
}

function subscribe(context: GatewayContext, options: SubscribeOptions, parts: ReadingParts): Source {
  const { patterns = [] } = options;
  const source = topicsSource(context, options, parts);
  if (patterns.length === 0) return source;
  return new MatchedTopics(source, {
    admin: context.log.admin,
    topics: options.topics,
    patterns,
    isExcluded: (topic) => parts.ownTopics.has(topic) || context.internalTopics.has(topic),
    max: options.maxTopics ?? MAX_TOPICS,
    clock: context.clock,
    logger: context.scoped('consumer'),
  });
}

function topicsSource(
  context: GatewayContext,
  { topics, from, group }: SubscribeOptions,
  { path, replay, feed, transactions }: ReadingParts,
): TopicsSource {
  const common = {
    log: context.log,
    topics,
    logger: context.scoped('consumer'),
    polled: (batch: Batch) => context.reading.polled(batch, group),
    report: context.reading,
  };
  if (group === undefined) {
    const { positions, clock } = context;
    const before = positions.get(path);
    // The one before has read the history, and where it was this one goes on: its clients miss nothing, and get nothing twice.
    const isNext = before !== undefined && isSame(before.topics, topics, true) && (replay?.isFilled ?? true);
    const goesOn = isNext ? before.from : undefined;
    const replayed = goesOn === undefined ? replay : undefined;
    const caughtUp = () => {
      replayed?.isRead();
      feed?.caughtUp();
    };
    return new Subscription({
      ...common,
      from: goesOn ?? replay?.from() ?? from,
      clock,
      follower: feed?.follower,
      ...(replayed === undefined && feed === undefined ? {} : { caughtUp }),
      closed: (last) => void positions.set(path, { topics, from: last }),
    });
  }
  context.reserveGroup(group);
  const source = new ConsumerGroup({
    ...common,
    group,
    from: from === 'earliest' ? 'earliest' : 'latest',
    transactions: transactions?.optionsFor(group),
  });
  transactions?.readBy(source);
  return source;
}
