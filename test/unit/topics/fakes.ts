import type { Delivery } from '../../../src/actors/consumer-group/consumer.ts';
import { GroupHandle } from '../../../src/actors/consumer-group/group-handle.ts';
import type { TopicClient } from '../../../src/actors/endpoint/topic-clients.ts';
import type { TopicPartition } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { Permissions } from '../../../src/core/permissions.ts';
import type { Position, TopicOutcome, TopicView } from '../../../src/core/topic-request.ts';

export const EVERYTHING = new Permissions({ create: ['*'], read: ['*'], write: ['*'], groups: ['*'] });

/** A connection that keeps what it is given. */
export class FakeClient implements TopicClient {
  readonly info = { clientId: 'c', endpoint: 'e', params: {}, query: {} };
  permissions = EVERYTHING;
  address = '192.0.2.1';
  isFree = true;
  /** What went out, in order: frames as lists of `partition/offset`, pings as their number, answers as what they answer. */
  readonly written: (readonly string[] | number | string)[] = [];
  readonly outcomes = new Map<unknown, TopicOutcome>();
  readonly views = new Map<unknown, TopicView>();

  respond(correlation: unknown, outcome: TopicOutcome): void {
    this.outcomes.set(correlation, outcome);
    this.written.push(`answer ${correlation}`);
  }

  show(correlation: unknown, view: TopicView): void {
    this.views.set(correlation, view);
    this.written.push(`answer ${correlation}`);
  }

  notify(messages: readonly Message[]): void {
    this.written.push(messages.map(({ partition, offset }) => `${partition}/${offset}`));
  }

  ping(number: number): void {
    this.written.push(number);
  }

  get frames(): (readonly string[])[] {
    return this.written.filter((each) => typeof each === 'object');
  }

  get pings(): number[] {
    return this.written.filter((each) => typeof each === 'number');
  }

  /** Records, in the order in which they came. */
  get records(): readonly string[] {
    return this.frames.flat();
  }
}

/** A place in a group that notes what is asked of it. */
export class FakeHandle extends GroupHandle {
  private readonly places: readonly TopicPartition[];
  /** As `partition/offset by epoch`. */
  readonly confirmed: string[] = [];
  readonly sought: string[] = [];
  readied = 0;
  hasLeft = false;
  goLive: () => void = () => {};
  refuse: (reason: unknown) => void = () => {};

  constructor(partitions: readonly number[] = []) {
    let settle: Pick<FakeHandle, 'goLive' | 'refuse'> | undefined;
    const live = new Promise<void>((goLive, refuse) => {
      settle = { goLive, refuse };
    });
    // No method of the real handle is left that would need its group.
    super(undefined as never, undefined as never, live);
    this.places = partitions.map(placeOf);
    Object.assign(this, settle);
  }

  override get partitions(): readonly TopicPartition[] {
    return this.places;
  }

  override confirm({ partition, offset }: Position, epoch: number): void {
    this.confirmed.push(`${partition}/${offset} by ${epoch}`);
  }

  override ready(): void {
    this.readied += 1;
  }

  override seek({ partition, offset }: Position): boolean {
    this.sought.push(`${partition}/${offset}`);
    return true;
  }

  override leave(): void {
    this.hasLeft = true;
  }
}

export function placeOf(partition: number): TopicPartition {
  return { topic: 't', partition };
}

/** So many records of a partition from an offset on, each with so many bytes. */
export function delivery(partition: number, from: number, count = 1, { epoch = 1, bytes = 10 } = {}): Delivery {
  const payload = Buffer.alloc(bytes, 'x');
  const messages = Array.from(
    { length: count },
    (_, index) => new Message(payload, { topic: 't', partition, offset: from + index }),
  );
  return { partition: placeOf(partition), epoch, messages };
}
