import type { Clock } from '../../core/clock.ts';
import { Backlog, type BacklogHandler } from '../queues/backlog.ts';
import { HeldFrames, type ReceivedFrame } from '../queues/held-frames.ts';
import { Turns } from '../queues/turns.ts';

/** Messages of one connection that the other one may repeat; beyond that the oldest are forgotten. */
const MAX_KEYS = 100_000;
/** Milliseconds for which the new connection may still repeat messages of the old one when that is gone. */
const TAIL = 60_000;

/** The same for the same message of both connections. */
export interface FrameKey {
  readonly text: string;
  /** Whether the server can repeat such a message; otherwise it only sends it to the connections that there are. */
  readonly isRepeatable: boolean;
}

export interface OverlapOptions {
  readonly clock: Clock;
  readonly keyOf: (data: Buffer) => FrameKey | Promise<FrameKey>;
  /** Whether a message with this key came before the overlap. */
  readonly isKnown: (key: FrameKey) => boolean;
  readonly pass: (frame: ReceivedFrame) => void;
  /** A message that the other connection has received, too. */
  readonly duplicate: (frame: ReceivedFrame) => void;
  /** Of messages whose key is awaited. */
  readonly backlog: BacklogHandler;
}

/**
 * Makes one feed of two connections to the same server. The old connection leads until it is gone: its messages are passed
 * on at once, and those of the new one wait until the old one has received them, too, and are then duplicates. What is
 * left when the old one is gone follows. So the order is that of the old connection and then that of the new one, no
 * message is lost that one of them has received, and none is passed on twice.
 *
 * Several messages may have the same key: of n on one connection and m on the other, the greater number is passed on.
 */
export class Overlap {
  private readonly options: OverlapOptions;
  private readonly turns = new Turns();
  private readonly backlog: Backlog;
  private readonly held = new HeldFrames();
  /** By key, how many more messages the old connection has received than the new one; below 0 if it has received fewer. */
  private readonly ahead = new Map<string, number>();
  private state: 'idle' | 'asked' | 'live' | 'tail' | 'over' = 'idle';
  /** Whether messages of the new connection wait for the old one. */
  private isHolding = true;
  private cancelTail: () => void = () => {};

  constructor(options: OverlapOptions) {
    this.options = options;
    this.backlog = new Backlog(options.backlog);
  }

  /** Whether messages can be passed on without it. */
  get isOver(): boolean {
    return this.state === 'over' && !this.turns.isWaiting;
  }

  /** The new connection names the position where it continues: what the old one receives from now on may be repeated. */
  asked(): void {
    this.turns.next(() => {
      if (this.state === 'idle') this.state = 'asked';
    });
  }

  /** The new connection is live. */
  live(): void {
    this.turns.next(() => {
      if (this.state === 'asked') this.state = 'live';
    });
  }

  /** The new connection was lost, and the old one is not gone. */
  lost(): void {
    this.turns.next(() => {
      if (this.state === 'tail' || this.state === 'over') return;
      this.state = 'idle';
      this.isHolding = true;
      this.held.clear();
      // What the new connection has passed on first still comes on the old one.
      for (const [key, count] of this.ahead) if (count > 0) this.ahead.delete(key);
    });
  }

  /**
   * The new connection was lost while the old one is being closed. What it has received is passed on, and is a duplicate on the
   * old one; a connection that follows asks for what is missing, and is the new one then.
   */
  lostLast(): void {
    this.turns.next(() => {
      if (this.state === 'tail' || this.state === 'over') return;
      this.passHeld();
      this.state = 'idle';
      for (const [key, count] of this.ahead) if (count > 0) this.ahead.delete(key);
    });
  }

  take(side: 'old' | 'new', received: ReceivedFrame): void {
    if (this.isOver || (side === 'old' && this.isIdle)) {
      this.options.pass(received);
      return;
    }
    // A copy: it may outlive its turn of the event loop and would keep the whole read chunk in memory.
    const frame = { ...received, data: Buffer.from(received.data) };
    const key = this.options.keyOf(frame.data);
    const isLate = key instanceof Promise || this.turns.isWaiting;
    if (isLate) this.backlog.add(frame.data.length);
    this.turns.after(key, (made) => {
      if (isLate) this.backlog.remove(frame.data.length);
      // A record is no copy of a reply, whatever its id. No key begins with this character.
      const own = frame.isRecord ? made : { ...made, text: `~${made.text}` };
      if (side === 'old') this.takeOld(own, frame);
      else this.takeNew(own, frame);
    });
  }

  /** Messages of the new connection wait no longer: the pipeline takes no more soon. */
  release(): void {
    this.turns.next(() => this.passHeld());
  }

  /** Does this once the keys of all messages so far are known. */
  inTurn(work: () => void): void {
    this.turns.next(work);
  }

  /** The old connection is gone. */
  finish(): void {
    this.turns.next(() => {
      if (this.state === 'tail' || this.state === 'over') return;
      this.passHeld();
      for (const [key, count] of this.ahead) if (count < 0) this.ahead.delete(key);
      this.state = 'tail';
      this.cancelTail = this.options.clock.after(TAIL, () => this.end());
      this.endIfEven();
    });
  }

  /** From now on nothing is a duplicate. */
  end(): void {
    this.cancelTail();
    this.turns.next(() => {
      this.passHeld();
      this.ahead.clear();
      this.state = 'over';
    });
  }

  /** Whether the old connection is the only one, and receives nothing that is known. */
  private get isIdle(): boolean {
    return this.state === 'idle' && !this.turns.isWaiting && this.ahead.size === 0;
  }

  private takeOld({ text, isRepeatable }: FrameKey, frame: ReceivedFrame): void {
    const { pass, duplicate } = this.options;
    const copy = this.held.take(text);
    if (copy !== undefined) {
      pass(frame);
      duplicate(copy);
      return;
    }
    if ((this.ahead.get(text) ?? 0) < 0) {
      this.move(text, 1);
      duplicate(frame);
      return;
    }
    if (this.state === 'live' || (this.state === 'asked' && isRepeatable)) this.move(text, 1);
    pass(frame);
  }

  private takeNew(key: FrameKey, frame: ReceivedFrame): void {
    const { pass, duplicate, isKnown } = this.options;
    if ((this.ahead.get(key.text) ?? 0) > 0) {
      this.move(key.text, -1);
      duplicate(frame);
      this.endIfEven();
      return;
    }
    const isHolding = this.isHolding && this.state !== 'tail' && this.state !== 'over';
    if (!isHolding) {
      if (this.state === 'asked' || this.state === 'live') this.move(key.text, -1);
      pass(frame);
      return;
    }
    if (isKnown(key)) duplicate(frame);
    else if (!this.held.push(key.text, frame)) {
      this.passHeld();
      this.takeNew(key, frame);
    }
  }

  /** From now on both connections lead. Messages that the old one has not received yet are its duplicates when it does. */
  private passHeld(): void {
    this.isHolding = false;
    for (const [key, frame] of this.held.clear()) {
      this.move(key, -1);
      this.options.pass(frame);
    }
  }

  private move(key: string, by: 1 | -1): void {
    const { ahead } = this;
    const count = (ahead.get(key) ?? 0) + by;
    if (count === 0) {
      ahead.delete(key);
      return;
    }
    ahead.set(key, count);
    if (ahead.size <= MAX_KEYS) return;
    for (const oldest of ahead.keys()) {
      ahead.delete(oldest);
      return;
    }
  }

  private endIfEven(): void {
    if (this.state === 'tail' && this.ahead.size === 0) this.end();
  }
}
