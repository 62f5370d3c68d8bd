import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Observable } from 'rxjs';
import type { Batch } from '../../core/batch.ts';
import type {
  Gap,
  GroupEvent,
  GroupMember,
  GroupOptions,
  Lane,
  LaneObserver,
  Log,
  Reader,
  StartPosition,
  TopicSpec,
} from '../../core/log.ts';
import { Message, type MessageInit } from '../../core/message.ts';

/** A log under test, open. Topics and groups get names of their own, so one real log can serve all suites. */
export interface LogUnderTest {
  readonly log: Log;
  /** Closes and opens again what survives a close. Left out where nothing does. */
  reopen?(): Promise<Log>;
  /** Makes the log compact the topic now. Left out where it cannot be forced. */
  compact?(topic: string): Promise<void>;
  /** Makes the log drop now what the topic's retention allows. Left out where it cannot be forced. */
  expire?(topic: string): Promise<void>;
  /** Closes the log and removes what is left of it. */
  dispose(): Promise<void>;
}

/** Makes a log and opens it. */
export type LogFactory = () => Promise<LogUnderTest>;

/** What ends with a case, or with a test: what was opened in it is closed then. */
export interface Scope {
  after(cleanUp: () => unknown): void;
}

/** How long a test waits for what must come: real groups take 3 s to form. */
const PATIENCE = 30_000;
const POLL = 50;

const SILENT: LaneObserver = { retrying() {}, recovered() {}, duplicatesPossible() {} };

export function record(text: string | Buffer, init: MessageInit = {}): Message {
  return new Message(Buffer.from(text), init);
}

/** `count` records with the texts `from`, `from + 1` ... */
export function records(count: number, init: MessageInit = {}, from = 0): Message[] {
  return Array.from({ length: count }, (_, index) => record(String(from + index), init));
}

export function texts(messages: readonly Message[]): string[] {
  return messages.map((message) => message.text);
}

export function offsetsOf(messages: readonly Message[]): number[] {
  return messages.map(({ offset }) => offset);
}

export function numbers(from: number, end: number): number[] {
  return Array.from({ length: end - from }, (_, index) => from + index);
}

/** A name that no other test, and no other run on the same log, uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomUUID().slice(0, 13)}`;
}

export async function createTopic(t: Scope, log: Log, spec: Omit<TopicSpec, 'name'> = {}): Promise<string> {
  const name = uniqueName('contract');
  assert.equal(await log.admin.create({ partitions: 1, replication: 1, ...spec, name }), true);
  t.after(() => log.admin.delete(name).catch(() => {}));
  return name;
}

/** Deletes a topic and creates another one of its name. */
export async function createAgain(log: Log, topic: string, partitions = 1): Promise<void> {
  await log.admin.delete(topic);
  assert.equal(await log.admin.create({ name: topic, partitions, replication: 1 }), true);
}

export function laneOf(t: Scope, log: Log, topic: string): Lane {
  const lane = log.lane(topic, SILENT);
  t.after(() => lane.abandon());
  return lane;
}

/** Stores messages and expects that none is refused. */
export async function store(lane: Lane, messages: readonly Message[]): Promise<void> {
  assert.deepEqual(await lane.send(messages), []);
}

/** Keeps what an observable of batches gives, and waits for more. */
export class Collector {
  readonly batches: Batch[] = [];
  readonly messages: Message[] = [];
  isComplete = false;
  error: unknown;
  private readonly checks = new Set<() => void>();
  private readonly receive: (batch: Batch) => void;

  constructor(batches$: Observable<Batch>, receive: (batch: Batch) => void = () => {}) {
    this.receive = receive;
    batches$.subscribe({
      next: (batch) => this.take(batch),
      error: (error) => {
        this.error = error;
        this.check();
      },
      complete: () => {
        this.isComplete = true;
        this.check();
      },
    });
  }

  of(partition: number): Message[] {
    return this.messages.filter((message) => message.partition === partition);
  }

  /** Resolves with all messages when there are so many. */
  async atLeast(count: number): Promise<Message[]> {
    await this.until(
      () => this.messages.length >= count,
      () => `${this.messages.length} of ${count} messages came`,
    );
    return this.messages;
  }

  until(condition: () => boolean, state: () => string = () => 'still waiting'): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => end(new Error(`${state()} after ${PATIENCE} ms`)), PATIENCE);
      const end = (error?: Error) => {
        clearTimeout(timer);
        this.checks.delete(check);
        if (error === undefined) resolve();
        else reject(error);
      };
      const check = () => {
        if (condition()) end();
        else if (this.error !== undefined) end(this.error as Error);
      };
      this.checks.add(check);
      check();
    });
  }

  private take(batch: Batch): void {
    this.batches.push(batch);
    this.messages.push(...batch.messages);
    this.receive(batch);
    this.check();
  }

  private check(): void {
    for (const check of [...this.checks]) check();
  }
}

/** A reader that is subscribed to and live. */
export async function openReader(
  t: Scope,
  log: Log,
  topics: readonly string[],
  from: StartPosition,
): Promise<{ reader: Reader; seen: Collector }> {
  const reader = log.reader({ topics, from });
  t.after(() => reader.close());
  const seen = new Collector(reader.batches$);
  await reader.live;
  return { reader, seen };
}

/** All records that a topic holds now, by a reader of its own. */
export async function readAll(t: Scope, log: Log, topic: string): Promise<Message[]> {
  const ends = await log.admin.offsets(topic);
  const { reader, seen } = await openReader(t, log, [topic], 'earliest');
  // There may be fewer records than offsets: transactions take some.
  const isRead = ({ partition, latest }: (typeof ends)[number]) =>
    (reader.positions().get(topic)?.get(partition) ?? 0) >= latest;
  await eventually(async () => ends.every(isRead), 'all is read');
  await reader.close();
  return seen.messages;
}

/** A member of a group, with the batches and events that it got. */
export class Joined {
  readonly member: GroupMember;
  readonly events: GroupEvent[] = [];
  readonly gaps: Gap[] = [];
  readonly seen: Collector;
  private readonly checks = new Set<() => void>();

  constructor(t: Scope, log: Log, options: GroupOptions, receive?: (batch: Batch) => void) {
    this.member = log.group({ commitInterval: 200, sessionTimeout: 10_000, ...options });
    t.after(() => this.member.leave());
    this.member.events$.subscribe((event) => {
      this.events.push(event);
      for (const check of [...this.checks]) check();
    });
    this.member.gaps$.subscribe((gap) => this.gaps.push(gap));
    this.seen = new Collector(this.member.batches$, receive);
  }

  /** Partitions of the newest assignment. */
  get assigned(): number[] {
    const last = this.events.findLast((event) => event.type === 'assigned');
    return (last?.partitions ?? []).map(({ partition }) => partition).sort((a, b) => a - b);
  }

  /** Resolves when the newest assignment has so many partitions. */
  owns(count: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.checks.delete(check);
        reject(new Error(`owns ${this.assigned.length} of ${count} partitions after ${PATIENCE} ms`));
      }, PATIENCE);
      const check = () => {
        if (this.assigned.length !== count || this.events.at(-1)?.type !== 'assigned') return;
        clearTimeout(timer);
        this.checks.delete(check);
        resolve();
      };
      this.checks.add(check);
      check();
    });
  }
}

export const ackAll = (batch: Batch): void => batch.ack();

/** Asks until `condition` holds, for what a log tells only when it is asked. */
export async function eventually(condition: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (!(await condition())) {
    assert.ok(performance.now() < deadline, `${what}: not so after ${PATIENCE} ms`);
    await pass(POLL);
  }
}

/** Lets time pass, where the point is that nothing happens in it. */
export function pass(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
