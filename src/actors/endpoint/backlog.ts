import { joined } from '../../core/joined.ts';
import { type PushResult, SendQueue } from '../../core/send-queue.ts';
import { closing } from './connection-machine.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { OutboundOwner } from './outbound-owner.ts';
import { SOCKET_MARK, type SocketWriter } from './socket-writer.ts';

/**
 * What waits for a peer that does not take it: records, by the policy of the queue, and answers before them. The queue exists only
 * once something has waited.
 */
export class Backlog {
  private readonly writer: SocketWriter;
  private readonly context: Pick<EndpointContext, 'limits' | 'metrics' | 'memory'>;
  private readonly owner: Pick<OutboundOwner, 'dismiss' | 'dropNotice'>;
  private queue: SendQueue | undefined;

  constructor(
    writer: SocketWriter,
    context: Pick<EndpointContext, 'limits' | 'metrics' | 'memory'>,
    owner: Pick<OutboundOwner, 'dismiss' | 'dropNotice'>,
  ) {
    this.writer = writer;
    this.context = context;
    this.owner = owner;
  }

  get isEmpty(): boolean {
    return this.queue === undefined || this.queue.length === 0;
  }

  get bytes(): number {
    return this.queue === undefined ? 0 : this.queue.bytes;
  }

  get recordBytes(): number {
    return this.queue === undefined ? 0 : this.queue.dataBytes;
  }

  get answerBytes(): number {
    return this.queue === undefined ? 0 : this.queue.controlBytes;
  }

  /** Bytes that are free when it is discarded. */
  get weight(): number {
    return this.queue === undefined ? 0 : this.queue.weight;
  }

  addAnswers(answers: readonly Buffer[]): void {
    const queue = this.ensureQueue();
    for (const frame of answers) queue.pushControl(frame);
    this.writer.awaitDrain();
  }

  /** Records of one turn. */
  add(frames: readonly Buffer[]): void {
    const queue = this.ensureQueue();
    const before = queue.droppedSoFar;
    const supersededBefore = queue.supersededSoFar;
    for (let at = queue.whenFull === 'latest' ? this.writeAhead(queue, frames) : 0; at < frames.length; at += 1) {
      const frame = frames[at] as Buffer;
      const outcome = this.place(queue, frame);
      if (outcome === 'written') this.writer.keepUnsent(frame);
      if (outcome !== 'full') continue;
      this.context.metrics.dropped('slow', frames.length - at);
      this.context.metrics.limited('slow_consumer');
      this.owner.dismiss(closing('slow'));
      return;
    }
    this.context.metrics.dropped('slow', queue.droppedSoFar - before);
    this.context.metrics.dropped('superseded', queue.supersededSoFar - supersededBefore);
    this.flushOrWait();
    // The peer gets the number of drops when it has taken all, also where what is left of the turn goes to its socket by now.
    if (queue.hasDropped) this.writer.awaitDrain();
  }

  /** A frame of another client, which is dropped where the policy is to give the peer up. False where it is dropped. */
  offer(frame: Buffer): boolean {
    const queue = this.ensureQueue();
    const before = queue.droppedSoFar;
    const outcome = this.place(queue, frame);
    if (outcome === 'written') this.writer.wroteOwnRecords(frame.length);
    if (outcome === 'full') queue.droppedSoFar += 1;
    this.context.metrics.dropped('slow', queue.droppedSoFar - before);
    this.flushOrWait();
    return outcome !== 'full' && outcome !== 'dropped';
  }

  /** The socket takes more: reports what was dropped, and writes on. */
  drained(): void {
    this.tellDrops();
    this.flush();
  }

  /** What waits of a channel is not for the peer any more. */
  leave(channel: string): void {
    this.queue?.leave(channel);
  }

  takeAnswers(): readonly Buffer[] {
    return this.queue?.takeControl() ?? [];
  }

  discard(): void {
    if (this.queue !== undefined) this.context.metrics.dropped('closed', this.queue.length);
    this.queue?.clear();
    this.queue = undefined;
  }

  /** A socket that takes what it is given gets all of a turn, of each key as well; how many of the frames it took. */
  private writeAhead(queue: SendQueue, frames: readonly Buffer[]): number {
    this.flush();
    return queue.length > 0 ? 0 : this.writer.writeWhatFits(frames);
  }

  private place(queue: SendQueue, frame: Buffer): PushResult | 'written' {
    // A socket that takes what it is given is not slow, however much one turn brings.
    if (queue.dataBytes + frame.length > Math.min(SOCKET_MARK, queue.limit)) this.flush();
    if (frame.length > queue.limit && queue.length === 0 && this.writer.buffered < SOCKET_MARK) {
      this.writer.write(frame, 1);
      return 'written';
    }
    return queue.push(frame);
  }

  private flushOrWait(): void {
    if (this.writer.buffered < SOCKET_MARK) this.flush();
    else this.writer.awaitDrain();
  }

  private flush(): void {
    const { queue } = this;
    if (queue === undefined) return;
    while (queue.length > 0) {
      const room = SOCKET_MARK - this.writer.buffered;
      if (room < SOCKET_MARK && queue.nextBytes > room) break;
      // Before the records behind them: a peer whose connection is lost then goes on behind what it has.
      if (queue.hasLost) this.tellDrops();
      const answers = queue.controlBytes;
      const frames = queue.take(room);
      const bytes = joined(frames);
      this.writer.write(bytes, frames.length);
      if (answers === queue.controlBytes) this.writer.keepUnsent(bytes);
      else this.writer.wroteAnswers(answers - queue.controlBytes);
    }
    if (queue.length > 0) this.writer.awaitDrain();
  }

  private tellDrops(): void {
    const count = this.queue?.takeDropped() ?? 0;
    const notice = count === 0 ? null : this.owner.dropNotice(count);
    if (notice !== null) this.queue?.pushControl(notice);
  }

  private ensureQueue(): SendQueue {
    const { limits, memory } = this.context;
    // The settings may be others by now; what waits goes on by those under which it came.
    if (this.queue?.isOutdated(limits.queue, limits.whenFull)) this.queue = undefined;
    this.queue ??= new SendQueue(limits.queue, limits.whenFull, memory.queued);
    return this.queue;
  }
}
