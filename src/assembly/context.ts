import type { Audience } from '../actors/audience/audience.ts';
import { ConsumerGroup } from '../actors/consumer-group/consumer-group.ts';
import type { CursorStore } from '../actors/dialer/cursor-store.ts';
import { TopicCursors } from '../actors/dialer/cursor-topic.ts';
import { Feed } from '../actors/dialer/feed.ts';
import { RemoteSink } from '../actors/dialer/remote-sink.ts';
import { Subscription } from '../actors/subscription.ts';
import type { Batch } from '../core/batch.ts';
import type { Source } from '../core/component.ts';
import { TidegateError } from '../core/errors.ts';
import type { ComponentContext, SubscribeOptions } from '../sdk/context.ts';
import type { Stats } from '../telemetry/stats.ts';
import { dialWebSocket } from '../transports/websocket/client.ts';
import type { Replay } from './replay.ts';
import type { Workshop } from './workshop.ts';

/** Where feeds that name no other topic keep how far they came. */
const CURSORS = '_tidegate.cursors';

const NONE: ReadonlyMap<string, Audience> = new Map();

/** What is different for connections that a connector makes. */
export interface RemoteCare {
  readonly cursors: CursorStore;
  readonly fares: (url: string, trouble: string | undefined) => void;
  readonly stats: Stats;
}

/** What a component gets of its gateway. `path`: where it stands in the configuration. */
export function componentContext(
  workshop: Workshop,
  path: string,
  audiences: ReadonlyMap<string, Audience> = NONE,
  replay?: Replay,
  remotes: Partial<RemoteCare> = {},
): ComponentContext {
  const { clock } = workshop;
  const { stats = workshop.stats } = remotes;
  return {
    path,
    logger: workshop.scoped('component', { component: path }),
    stats,
    clock,
    gateway: {
      endpoint: (name) => {
        const audience = audiences.get(name);
        if (audience === undefined)
          throw new TidegateError('TG_CONFIG_INVALID', `${path}: there is no endpoint ${name}`);
        return audience;
      },
      topic: (name) => workshop.topic(name),
      subscribe: (options) => subscribe(workshop, options, replay),
      feed: (settings) => {
        const common = dialing(workshop, path, stats);
        const ofTopic = (topic = CURSORS) =>
          new TopicCursors({ ...common, topic, log: workshop.log, port: workshop.topic(topic) });
        const { cursors: own, fares } = remotes;
        const cursors = own === undefined ? ofTopic : () => own;
        const { tracing } = workshop.telemetry;
        return new Feed({ ...common, settings, tracing, cursors, fares, topic: (name) => workshop.topic(name) });
      },
      remote: (settings) => new RemoteSink({ ...dialing(workshop, path, stats), fares: remotes.fares, settings }),
    },
  };
}

/** What everything needs that dials. */
function dialing(workshop: Workshop, path: string, stats: Stats) {
  const { clock } = workshop;
  return { path, connect: dialWebSocket, stats, clock, logger: workshop.scoped('remote', { component: path }) };
}

function subscribe(workshop: Workshop, { topics, from, group }: SubscribeOptions, replay: Replay | undefined): Source {
  const common = {
    log: workshop.log,
    topics,
    logger: workshop.scoped('consumer'),
    polled: (batch: Batch) => workshop.polled(batch, group),
  };
  if (group === undefined)
    return new Subscription({
      ...common,
      from: replay?.from() ?? from,
      ...(replay === undefined ? {} : { caughtUp: replay.isRead }),
    });
  workshop.ownGroups.add(group);
  return new ConsumerGroup({ ...common, group, from: from === 'earliest' ? 'earliest' : 'latest' });
}
