import type { TestContext } from 'node:test';
import { Topic } from '../../../src/actors/topic/topic.ts';
import { systemClock } from '../../../src/core/clock.ts';
import type { Log } from '../../../src/core/log.ts';
import type { Change, Newcomer, RoomCommand } from '../../../src/rooms/port.ts';
import { Presence, type PresenceOptions } from '../../../src/rooms/presence.ts';
import { presenceTopicNames, presenceTopics } from '../../../src/rooms/topics.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { createEmbeddedLog } from '../../../src/transports/embedded/index.ts';
import { keptLogger } from '../actors/rig.ts';
import { Freezer } from './freezer.ts';

export const ROOM = 'room';
export const TOPICS = presenceTopicNames(ROOM);
/** Milliseconds after which a condition that is not true yet fails the test. */
const TIMEOUT = 10_000;

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

/** One gateway in the room, with all calls of its observer. */
export class Gateway {
  readonly presence: Presence;
  readonly changes: Change[] = [];
  readonly commands: RoomCommand[] = [];
  /** Names of the newcomers that became members. */
  readonly guests = new Map<Newcomer, string>();
  readonly taken: Newcomer[] = [];
  /** Names of the members by the changes. */
  readonly seen: string[] = [];
  readonly stats = createStats();
  readonly kept = keptLogger();
  timesFenced = 0;
  private readonly freezer = new Freezer();
  private readonly topics = new Map<string, Topic>();
  private readonly watchers = new Set<() => void>();

  constructor(log: Log, changes: Partial<PresenceOptions> = {}) {
    this.presence = new Presence({
      endpoint: 'chat',
      room: ROOM,
      log: this.freezer.log(log),
      write: (name) => this.topic(log, name),
      lease: 600,
      isAlone: false,
      clock: this.freezer,
      logger: this.kept.logger,
      stats: this.stats,
      observer: {
        changed: (news) => this.changed(news),
        commanded: (commands) => {
          this.commands.push(...commands);
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

  /** Resolves when it is in the room. */
  async ready(): Promise<this> {
    this.presence.start();
    await this.until(() => this.presence.notReadyReason === undefined);
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

  /** The name with which it became a member. */
  async admitted(newcomer: Newcomer): Promise<string> {
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
      const timer = setTimeout(() => end(() => reject(new Error(`not true after 10 s: ${condition}`))), TIMEOUT);
      this.watchers.add(check);
    });
  }

  /** As SIGSTOP does to a gateway with nothing in flight: it reads nothing, and its timers stop. */
  freeze(): void {
    this.freezer.isFrozen = true;
  }

  thaw(): void {
    this.freezer.thaw();
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

  metric(name: Parameters<Gateway['stats']['counter']>[0]): number {
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
