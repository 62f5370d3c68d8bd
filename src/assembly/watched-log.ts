import { type Subscription, tap } from 'rxjs';
import { asTidegateError } from '../core/errors.ts';
import { isOwnTopic } from '../core/internal-topics.ts';
import type {
  GroupEvent,
  GroupMember,
  GroupOptions,
  Lane,
  LaneObserver,
  LinkState,
  Log,
  LogAdmin,
  Reader,
  ReaderOptions,
  TopicPartition,
} from '../core/log.ts';
import type { EventHub } from './events.ts';

/** This gateway's member of a consumer group, and how it fares. */
export interface WatchedMember {
  readonly group: string;
  readonly topics: readonly string[];
  readonly member: Pick<GroupMember, 'lag'>;
  readonly state: 'joining' | 'stable' | 'rebalancing' | 'failed';
  readonly partitions: readonly TopicPartition[];
}

/** A log whose link, lanes, readers and members are seen by those who listen to the gateway's events. */
export class WatchedLog implements Log {
  readonly driver: string;
  readonly link$: Log['link$'];
  readonly admin: LogAdmin;
  private readonly log: Log;
  private readonly events: EventHub;
  private readonly reading: (topics: readonly string[]) => void;
  private readonly watched = new Map<GroupMember, WatchedMember>();
  private readonly following: Subscription;
  private wasUp: boolean | undefined;

  /** `reading` is told of topics before they are read. */
  constructor(log: Log, events: EventHub, reading: (topics: readonly string[]) => void = () => {}) {
    this.log = log;
    this.events = events;
    this.reading = reading;
    this.driver = log.driver;
    this.link$ = log.link$;
    this.admin = log.admin;
    this.following = log.link$.subscribe({ next: (state) => this.follow(state), error: () => {} });
  }

  /** The groups that this gateway is a member of now. */
  get members(): readonly WatchedMember[] {
    return [...this.watched.values()];
  }

  open(): Promise<void> {
    return this.log.open();
  }

  close(): Promise<void> {
    this.following.unsubscribe();
    return this.log.close();
  }

  forget(topic: string): void {
    this.log.forget(topic);
  }

  lane(topic: string, observer: LaneObserver): Lane {
    const { events, driver } = this;
    const about = { driver, topic };
    return this.log.lane(topic, {
      retrying: (reason) => {
        observer.retrying(reason);
        events.emit('producer-error', reason, about);
      },
      recovered: () => {
        observer.recovered();
        events.emit('producer-ready', about);
      },
      duplicatesPossible: (reason) => {
        observer.duplicatesPossible(reason);
        events.emit('producer-error', reason, about);
      },
    });
  }

  reader(options: ReaderOptions): Reader {
    this.reading(options.topics);
    const reader = this.log.reader(options);
    return options.topics.every(isOwnTopic) ? reader : watchedReader(reader, options.topics, this.events);
  }

  group(options: GroupOptions): GroupMember {
    const { group, topics } = options;
    this.reading(topics);
    const member = this.log.group(options);
    if (topics.every(isOwnTopic)) return member;
    this.watched.set(member, { group, topics, member, state: 'joining', partitions: [] });
    member.events$.subscribe({ next: (event) => this.followMember(member, event), error: () => {} });
    return member;
  }

  private follow(link: LinkState): void {
    const { driver, events, wasUp } = this;
    if (link.state === 'up' && wasUp !== true) events.emit('producer-ready', { driver });
    if (link.state === 'down' && wasUp !== false)
      events.emit('producer-error', asTidegateError(link.reason, 'TG_LOG_UNAVAILABLE', 'the log is not available'), {
        driver,
      });
    if (link.state !== 'connecting') this.wasUp = link.state === 'up';
  }

  private followMember(member: GroupMember, event: GroupEvent): void {
    const known = this.watched.get(member);
    if (known === undefined) return;
    const { group, topics } = known;
    switch (event.type) {
      case 'assigned':
        this.watched.set(member, { ...known, state: 'stable', partitions: event.partitions });
        this.events.emit('consumer-ready', { group, topics, partitions: event.partitions.length });
        break;
      case 'failed':
        this.watched.set(member, { ...known, state: 'failed', partitions: [] });
        this.events.emit('consumer-error', event.reason, { group, topics });
        break;
      case 'left':
        this.watched.delete(member);
        break;
      default:
        this.watched.set(member, { ...known, state: event.type });
    }
  }
}

/** Tells once that it is live, and once that it broke. */
function watchedReader(reader: Reader, topics: readonly string[], events: EventHub): Reader {
  let isOver = false;
  const failed = (error: unknown) => {
    if (isOver) return;
    isOver = true;
    events.emit('consumer-error', asTidegateError(error, 'TG_LOG_UNAVAILABLE'), { topics });
  };
  reader.live.then(() => {
    if (!isOver) events.emit('consumer-ready', { topics });
  }, failed);
  return {
    batches$: reader.batches$.pipe(tap({ error: failed })),
    live: reader.live,
    gaps$: reader.gaps$,
    pause: () => reader.pause(),
    resume: () => reader.resume(),
    positions: () => reader.positions(),
    checkpoint: () => reader.checkpoint(),
    close: () => {
      isOver = true;
      return reader.close();
    },
  };
}
