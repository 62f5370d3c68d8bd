import type { TestContext } from 'node:test';
import { Observable } from 'rxjs';
import type { Change, Newcomer, Order } from '../../../../src/actors/presence/port.ts';
import { Presence, type PresenceOptions } from '../../../../src/actors/presence/presence.ts';
import { presenceTopicNames, presenceTopics } from '../../../../src/actors/presence/topics.ts';
import { Topic } from '../../../../src/actors/topic/topic.ts';
import type { Batch } from '../../../../src/core/batch.ts';
import { type Clock, systemClock } from '../../../../src/core/clock.ts';
import type { Log } from '../../../../src/core/log.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../../src/telemetry/tracing.ts';
import { createEmbeddedLog } from '../../../../src/transports/embedded/index.ts';
import { keptLogger } from '../rig.ts';

export const ROOM = 'room';
export const TOPICS = presenceTopicNames(ROOM);
/** A watcher that is slower than this has hung. */
const PATIENCE = 10_000;

/** A log in memory with the topics of a room. */
export async function roomLog(t: TestContext) {
  const log = createEmbeddedLog({
    memory: true,
    logger: keptLogger().logger,
    stats: createStats(),
    clock: systemClock,
  });
  await log.open();
  t.after(() => log.close());
  for (const topic of presenceTopics(ROOM)) await log.admin.create(topic);
  return log;
}

/** A clock that stands still while its gateway is frozen, and then calls back all at once. */
class FreezingClock implements Clock {
  isFrozen = false;
  private late: (() => void)[] = [];

  now(): number {
    return systemClock.now();
  }

  after(milliseconds: number, callback: () => void): () => void {
    let isCancelled = false;
    const cancel = systemClock.after(milliseconds, () => {
      if (!this.isFrozen) callback();
      else this.late.push(() => isCancelled || callback());
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  thaw(): void {
    this.isFrozen = false;
    for (const callback of this.late.splice(0)) callback();
  }
}

/** One gateway in the room, with what its observer was told. */
export class Gateway {
  readonly presence: Presence;
  readonly changes: Change[] = [];
  readonly orders: Order[] = [];
  /** Those who were let in, by name. */
  readonly guests = new Map<Newcomer, string>();
  readonly taken: Newcomer[] = [];
  /** Names that are in, as the changes have it. */
  readonly seen: string[] = [];
  readonly stats = createStats();
  readonly kept = keptLogger();
  timesFenced = 0;
  private readonly clock = new FreezingClock();
  private readonly topics = new Map<string, Topic>();
  private readonly watchers = new Set<() => void>();
  private readonly held: (() => void)[] = [];

  constructor(log: Log, changes: Partial<PresenceOptions> = {}) {
    this.presence = new Presence({
      endpoint: 'chat',
      room: ROOM,
      log: this.freezable(log),
      write: (name) => this.topic(log, name),
      lease: 600,
      isAlone: false,
      clock: this.clock,
      logger: this.kept.logger,
      stats: this.stats,
      observer: {
        changed: (news) => this.changed(news),
        ordered: (orders) => {
          this.orders.push(...orders);
          this.wake();
        },
        fenced: () => {
          this.timesFenced += 1;
          this.guests.clear();
          this.wake();
        },
      },
      ...changes,
    });
  }

  /** In the room. */
  async ready(): Promise<this> {
    this.presence.start();
    await this.until(() => this.presence.trouble === undefined);
    return this;
  }

  numbered(prefix = 'client-'): Newcomer {
    const newcomer: Newcomer = { identity: { type: 'numbered', prefix } };
    this.presence.join(newcomer);
    return newcomer;
  }

  named(name: string, details: Record<string, string> = {}): Newcomer {
    const newcomer: Newcomer = { identity: { type: 'named', name, details, taken: { code: 1003, reason: 'taken' } } };
    this.presence.join(newcomer);
    return newcomer;
  }

  /** The name under which it was let in. */
  async letIn(newcomer: Newcomer): Promise<string> {
    await this.until(() => this.guests.has(newcomer));
    return this.guests.get(newcomer) as string;
  }

  leave(newcomer: Newcomer): void {
    this.guests.delete(newcomer);
    this.presence.leave(newcomer);
  }

  async until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    await new Promise<void>((resolve, reject) => {
      const end = (finish: () => void) => {
        clearTimeout(timer);
        clearInterval(look);
        this.watchers.delete(check);
        finish();
      };
      const check = () => {
        if (condition()) end(resolve);
      };
      const look = setInterval(check, 5);
      const timer = setTimeout(() => end(() => reject(new Error(`waited in vain for ${condition}`))), PATIENCE);
      this.watchers.add(check);
    });
  }

  /** As SIGSTOP does to a gateway with nothing on its way: it reads nothing and hears no timer. */
  freeze(): void {
    this.clock.isFrozen = true;
  }

  thaw(): void {
    this.clock.thaw();
    for (const deliver of this.held.splice(0)) deliver();
  }

  /** As SIGKILL does. */
  async kill(): Promise<void> {
    this.abandon();
    await this.presence.close();
  }

  /** Gives up what is not in the log yet. */
  abandon(): void {
    for (const topic of this.topics.values()) topic.abandon();
  }

  figure(name: Parameters<Gateway['stats']['counter']>[0]): number {
    return this.stats.counter(name, { endpoint: 'chat' }).value;
  }

  private changed(news: readonly Change[]): void {
    this.changes.push(...news);
    for (const change of news) {
      if (change.type === 'taken') this.taken.push(change.newcomer);
      else if (change.type === 'left') this.seen.splice(this.seen.indexOf(change.member.name), 1);
      else {
        this.seen.push(change.member.name);
        if (change.newcomer !== undefined) this.guests.set(change.newcomer, change.member.name);
      }
    }
    this.wake();
  }

  private wake(): void {
    for (const watcher of [...this.watchers]) watcher();
  }

  private topic(log: Log, name: string): Topic {
    const topic = new Topic({ name, log, logger: this.kept.logger, stats: this.stats, tracing: NO_TRACING });
    this.topics.set(name, topic);
    return topic;
  }

  /** The log as a process sees it that may be frozen: what was read meanwhile comes afterwards. */
  private freezable(log: Log): Pick<Log, 'reader' | 'admin'> {
    return {
      admin: log.admin,
      reader: (options) => {
        const reader = log.reader(options);
        const batches$ = new Observable<Batch>((subscriber) =>
          reader.batches$.subscribe({
            next: (batch) => {
              if (this.clock.isFrozen) this.held.push(() => subscriber.next(batch));
              else subscriber.next(batch);
            },
            error: (error) => subscriber.error(error),
            complete: () => subscriber.complete(),
          }),
        );
        return {
          batches$,
          live: reader.live,
          gaps$: reader.gaps$,
          pause: () => reader.pause(),
          resume: () => reader.resume(),
          positions: () => reader.positions(),
          checkpoint: () => reader.checkpoint(),
          close: () => reader.close(),
        };
      },
    };
  }
}

/** Gateways in the room, all ready; they are closed at the end. */
export async function gateways(t: TestContext, log: Log, count: number, changes: Partial<PresenceOptions> = {}) {
  const all = Array.from({ length: count }, () => new Gateway(log, changes));
  t.after(() => Promise.all(all.map(({ presence }) => presence.close())));
  for (const gateway of all) await gateway.ready();
  return all as [Gateway, ...Gateway[]];
}

/** What a topic holds: keys, with the text of a value or null for a tombstone. */
export async function contentOf(log: Log, topic: string): Promise<[string, string | null][]> {
  const [{ latest = 0 } = {}] = await log.admin.offsets(topic);
  const reader = log.reader({ topics: [topic], from: 'earliest' });
  const content: [string, string | null][] = [];
  reader.batches$.subscribe(({ messages }) => {
    for (const { key, meta, text } of messages) content.push([String(key), meta.tombstone === true ? null : text]);
  });
  while ((reader.positions().get(topic)?.get(0) ?? 0) < latest) await new Promise((resolve) => setImmediate(resolve));
  await reader.close();
  return content;
}
