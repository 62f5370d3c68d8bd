import type { Delivery, GroupSeat } from '../../../../src/actors/consumer-group/port.ts';
import type { Client } from '../../../../src/actors/topic-service/client.ts';
import type { TopicPartition } from '../../../../src/core/log.ts';
import { Message } from '../../../../src/core/message.ts';
import type { Position, TopicOutcome } from '../../../../src/core/topic-request.ts';

/** A connection that keeps what it is given. */
export class FakeClient implements Client {
  readonly info = { clientId: 'c', endpoint: 'e', params: {}, query: {} };
  isFree = true;
  /** What went out, in order: frames as lists of `partition/offset`, pings as their number, answers as what they answer. */
  readonly written: (readonly string[] | number | string)[] = [];
  readonly outcomes = new Map<unknown, TopicOutcome>();

  respond(correlation: unknown, outcome: TopicOutcome): void {
    this.outcomes.set(correlation, outcome);
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
export class FakeSeat implements GroupSeat {
  partitions: readonly TopicPartition[] = [];
  readonly live: Promise<void>;
  /** As `partition/offset by deal`. */
  readonly confirmed: string[] = [];
  readonly sought: string[] = [];
  readied = 0;
  hasLeft = false;
  goLive: () => void = () => {};
  refuse: (reason: unknown) => void = () => {};

  constructor(partitions: readonly number[] = []) {
    this.partitions = partitions.map(placeOf);
    this.live = new Promise((resolve, reject) => {
      this.goLive = resolve;
      this.refuse = reject;
    });
  }

  confirm({ partition, offset }: Position, deal: number): void {
    this.confirmed.push(`${partition}/${offset} by ${deal}`);
  }

  ready(): void {
    this.readied += 1;
  }

  seek({ partition, offset }: Position): boolean {
    this.sought.push(`${partition}/${offset}`);
    return true;
  }

  leave(): void {
    this.hasLeft = true;
  }
}

export function placeOf(partition: number): TopicPartition {
  return { topic: 't', partition };
}

/** So many records of a partition from an offset on, each with so many bytes. */
export function delivery(partition: number, from: number, count = 1, { deal = 1, bytes = 10 } = {}): Delivery {
  const payload = Buffer.alloc(bytes, 'x');
  const messages = Array.from(
    { length: count },
    (_, index) => new Message(payload, { topic: 't', partition, offset: from + index }),
  );
  return { partition: placeOf(partition), deal, messages };
}
