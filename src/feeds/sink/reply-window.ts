import type { Clock } from '../../core/clock.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { formatDuration } from '../../core/units.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { FrameQueue } from '../queues/frame-queue.ts';
import type { RemoteSinkSettings } from '../settings/sink-settings.ts';

export interface ReplyWindowOptions {
  readonly settings: NonNullable<RemoteSinkSettings['replies']>;
  readonly clock: Clock;
  /** The server took it. */
  readonly accepted: (message: Message) => void;
  /** There was no reply in time; it is to be sent again. */
  readonly again: (message: Message) => void;
  /** Of messages of the server that wait for `expect` and `reject`. */
  readonly backlog: BacklogHandler;
}

/** What a message of the server says of the record with this id. */
interface Verdict {
  readonly id: string;
  readonly isRefusal: boolean;
  readonly isReply: boolean;
  /** The number of the connection on which it came. */
  readonly connection: number;
}

/** A record that waits for its reply, or to be sent again. */
interface Waiting {
  readonly message: Message;
  readonly id: string;
  /** By `clock.elapsed()`. */
  sentAt: number;
}

/**
 * Records that were sent on this connection and wait for the replies of the server. A reply belongs to the oldest record with
 * its id. All wait equally long, so that one timer, for the oldest, is enough.
 */
export class ReplyWindow {
  private readonly options: ReplyWindowOptions;
  private readonly byMessage = new Map<Message, Waiting>();
  /** Those whose time is not over, the oldest first. */
  private readonly order = new Set<Waiting>();
  private readonly byId = new Map<string, Waiting[]>();
  /** How often records were sent on this connection that got no reply in time. */
  private readonly tries = new Map<Message, number>();
  private connection = 0;
  private readonly replies: FrameQueue<Verdict | undefined>;
  private cancelTimer: (() => void) | undefined;

  constructor(options: ReplyWindowOptions) {
    this.options = options;
    this.replies = new FrameQueue({
      evaluate: (reply) => this.verdictOn(reply),
      decide: (verdict) => this.decide(verdict),
      backlog: options.backlog,
    });
  }

  /** A record is about to be sent. False, and it is nacked, if no reply could be told to be its own. */
  admit(message: Message): boolean {
    try {
      const id = this.options.settings.record.evaluateText(message) as string | undefined;
      if (id === undefined)
        throw new TidegateError('TG_MESSAGE_INVALID', 'replies.record has no value for this record');
      this.withdraw(message);
      this.byMessage.set(message, { message, id, sentAt: 0 });
      return true;
    } catch (error) {
      message.nack(error as TidegateError);
      return false;
    }
  }

  /** A record is sent again, or was settled before it could be. */
  withdraw(message: Message): void {
    const waiting = this.byMessage.get(message);
    if (waiting !== undefined) this.remove(waiting);
  }

  /** An admitted record was sent. */
  sent(message: Message): void {
    const waiting = this.byMessage.get(message);
    if (waiting === undefined) return;
    waiting.sentAt = this.options.clock.elapsed();
    this.order.add(waiting);
    const same = this.byId.get(waiting.id);
    if (same === undefined) this.byId.set(waiting.id, [waiting]);
    else same.push(waiting);
    this.watch();
  }

  /** A message of the server, which may be a reply. */
  take(data: Buffer): void {
    this.replies.take(data, false);
  }

  /** The connection is over. Returns the records without a reply, in the order in which they were sent. */
  clear(): Message[] {
    this.connection += 1;
    this.replies.clear();
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    const rest = [...this.order].map(({ message }) => message);
    this.order.clear();
    this.byId.clear();
    this.byMessage.clear();
    this.tries.clear();
    return rest;
  }

  private verdictOn(reply: Message): Verdict | undefined | Promise<Verdict> {
    const { expect, reject } = this.options.settings;
    const { connection } = this;
    const id = this.idOf(reply);
    if (id === undefined || !this.byId.has(id)) return undefined;
    const isRefusal = reject?.(reply) ?? false;
    const isReply = expect?.(reply) ?? true;
    if (!(isRefusal instanceof Promise) && !(isReply instanceof Promise)) return { id, isRefusal, isReply, connection };
    // A matcher never rejects.
    return Promise.all([isRefusal, isReply]).then(([refuses, accepts]) => ({
      id,
      isRefusal: refuses,
      isReply: accepts,
      connection,
    }));
  }

  private idOf(reply: Message): string | undefined {
    try {
      return this.options.settings.reply.evaluateText(reply) as string | undefined;
    } catch {
      // A message that is not JSON, such as a greeting, is no reply.
      return undefined;
    }
  }

  private decide(verdict: Verdict | undefined): void {
    if (verdict === undefined || verdict.connection !== this.connection) return;
    const { id, isRefusal, isReply } = verdict;
    const waiting = this.byId.get(id)?.[0];
    if ((!isRefusal && !isReply) || waiting === undefined) return;
    this.remove(waiting);
    this.tries.delete(waiting.message);
    if (isRefusal) waiting.message.nack(new TidegateError('TG_REMOTE_REFUSED', 'the server refuses the record'));
    else this.options.accepted(waiting.message);
  }

  private remove(waiting: Waiting): void {
    this.order.delete(waiting);
    this.byMessage.delete(waiting.message);
    const same = this.byId.get(waiting.id);
    const at = same?.indexOf(waiting) ?? -1;
    if (at >= 0) same?.splice(at, 1);
    if (same?.length === 0) this.byId.delete(waiting.id);
  }

  private watch(): void {
    if (this.cancelTimer !== undefined) return;
    const { settings, clock } = this.options;
    const [oldest] = this.order;
    if (oldest === undefined) return;
    const left = oldest.sentAt + settings.timeout - clock.elapsed();
    this.cancelTimer = clock.after(Math.max(0, left), () => {
      this.cancelTimer = undefined;
      this.expire();
      this.watch();
    });
  }

  private expire(): void {
    const { settings, clock, again } = this.options;
    const late: Waiting[] = [];
    for (const waiting of this.order) {
      if (waiting.sentAt + settings.timeout > clock.elapsed()) break;
      late.push(waiting);
    }
    for (const waiting of late) this.order.delete(waiting);
    for (const waiting of late) {
      const { message } = waiting;
      const tries = (this.tries.get(message) ?? 0) + 1;
      if (tries < settings.tries) {
        // Until it is sent again, its reply may still come.
        this.tries.set(message, tries);
        again(message);
      } else {
        this.remove(waiting);
        this.tries.delete(message);
        message.nack(noReply(tries, settings.timeout));
      }
    }
  }
}

function noReply(tries: number, timeout: number): TidegateError {
  const often = tries === 1 ? '' : `, though the record was sent ${tries} times`;
  return new TidegateError('TG_REMOTE_REFUSED', `the server sent no reply within ${formatDuration(timeout)}${often}`);
}
