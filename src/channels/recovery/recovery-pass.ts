import type { Subscription } from 'rxjs';
import { Batch } from '../../core/batch.ts';
import { isChannelName } from '../../core/channel.ts';
import type { EarlierPart, Lost } from '../../core/channel-feed.ts';
import type { Clock } from '../../core/clock.ts';
import { asTidegateError } from '../../core/errors.ts';
import type { Gap, Log, PartitionOffsets, Reader } from '../../core/log.ts';
import type { Message } from '../../core/message.ts';
import { aborted } from '../../core/waiting.ts';
import type { Rerun, RerunHost } from '../../pipelines/rerun.ts';
import { EarlierRecords } from './earlier-records.ts';
import { keptRecord, type PendingRecovery } from './pending-recovery.ts';
import type { RecoveryMetrics } from './recovery-metrics.ts';

/** Milliseconds between two looks at where the reader is: records that are gone, or mark transactions, come in no batch. */
const LOOK = 10;

/** What a record counts for beside its payload. */
const RECORD = 512;

export interface PassParts {
  readonly log: Log;
  readonly topic: string;
  /** Of the topic that positions belong to; undefined where the log gives none. */
  readonly id: string | undefined;
  readonly rerun: Rerun;
  readonly clock: Clock;
  /** Oldest record that is still recovered, in milliseconds. */
  readonly age: number;
  /** Counts what is kept of all passes; false: so many bytes more may not be kept. */
  readonly keep: (bytes: number) => boolean;
  /** What is kept of each channel, records; undefined where there is no room for what the pass reads. */
  readonly last: number | undefined;
  /** A partition was read from one offset to another, for whatever channel. */
  readonly extend: (part: EarlierPart) => void;
  readonly metrics: RecoveryMetrics;
}

/** One reader for many requests: each partition from where the first of them begins to where the last one ends. */
export class RecoveryPass implements RerunHost {
  private readonly parts: PassParts;
  private readonly pending = new Set<PendingRecovery>();
  private readonly byChannel = new Map<string, PendingRecovery[]>();
  private readonly over = new AbortController();
  private readonly following: Subscription[] = [];
  private reader: Reader | undefined;
  private ends: ReadonlyMap<number, PartitionOffsets> | undefined;
  /** Where reading of each partition ends; those that are read to there are left out. */
  private readonly untils = new Map<number, number>();
  private readonly earlier: EarlierRecords | undefined;
  private isLookDue = false;
  private cancelLook: () => void = () => {};
  private isOpened = false;
  private isBroken = false;

  constructor(parts: PassParts) {
    this.parts = parts;
    this.earlier = parts.last === undefined ? undefined : new EarlierRecords(parts.last);
  }

  /** False where that request has to wait for another pass. */
  take(pending: PendingRecovery): boolean {
    if (this.over.signal.aborted || !this.isAheadOf(pending)) return false;
    this.pending.add(pending);
    const { channel } = pending.request;
    const others = this.byChannel.get(channel);
    if (others === undefined) this.byChannel.set(channel, [pending]);
    else others.push(pending);
    pending.ended = () => this.forget(pending);
    if (this.untils.has(pending.partition)) this.extend(pending);
    return true;
  }

  /** Resolves when all requests are answered: with whether the steps of the pipeline can serve another pass. Never rejects. */
  async run(): Promise<boolean> {
    const { rerun } = this.parts;
    rerun.serve(this);
    const begun = this.begin().catch((error: unknown) => {
      if (!this.over.signal.aborted) this.failed(error);
    });
    await aborted(this.over.signal);
    this.cancelLook();
    rerun.rest();
    for (const subscription of this.following.splice(0)) subscription.unsubscribe();
    await this.reader?.close();
    // What is being opened counts until it is: clients that ask and leave at once would open any number of it.
    if (!this.isOpened) await begun;
    return this.isOpened && !this.isBroken && rerun.isSettled;
  }

  /** All that wait are answered with that, and the pass ends. */
  loseAll(reason: Lost): void {
    for (const pending of [...this.pending]) pending.lose(reason);
    this.over.abort();
  }

  /** For the sink of the pipeline. `channels`: what it calls them, by the place of the message. */
  publish({ messages }: Batch, channels: readonly unknown[]): void {
    for (const [at, message] of messages.entries()) {
      const named = channels[at];
      if (typeof named === 'string') this.hand(message, [named]);
      else if (Array.isArray(named)) this.hand(message, new Set(named));
      message.ack();
    }
  }

  // --- from the steps of the pipeline

  held(isHeld: boolean): void {
    if (isHeld) this.reader?.pause();
    else this.reader?.resume();
  }

  settled(): void {
    this.lookSoon();
  }

  missed({ partition, offset }: Message): void {
    this.earlier?.lose(partition);
    for (const pending of [...this.pending])
      if (pending.partition === partition && offset >= pending.since && offset < pending.until)
        pending.lose('unavailable');
  }

  failed(error: unknown): void {
    this.isBroken = true;
    this.loseAll(asTidegateError(error, 'TG_LOG_UNAVAILABLE').code === 'TG_TOPIC_MISSING' ? 'epoch' : 'unavailable');
  }

  // --- within

  /** What is read has not come to its records yet, or nothing is read so far. */
  private isAheadOf({ partition, since }: PendingRecovery): boolean {
    const { reader, ends } = this;
    if (ends === undefined) return true;
    const { latest = -1 } = ends.get(partition) ?? {};
    if (!this.untils.has(partition) || since > latest) return false;
    return reader === undefined || (reader.positions().get(this.parts.topic)?.get(partition) ?? since + 1) <= since;
  }

  private async begin(): Promise<void> {
    const { log, topic, id, rerun, metrics } = this.parts;
    const [ends] = await Promise.all([log.admin.offsets(topic), rerun.open()]);
    this.isOpened = true;
    if (this.over.signal.aborted) return;
    this.ends = new Map(ends.map((one) => [one.partition, one]));
    for (const pending of [...this.pending]) this.check(pending, this.ends.get(pending.partition));
    if (this.pending.size === 0) return;
    const starts = this.starts();
    this.earlier?.begin(starts);
    const partitions = [...starts.keys()];
    const from = { offsets: { [topic]: Object.fromEntries(starts) } };
    metrics.passes.value += 1;
    const reader = log.reader({ topics: [topic], from, partitions, isBrief: true });
    this.reader = reader;
    this.following.push(
      reader.gaps$.subscribe((gap) => this.lost(gap)),
      reader.batches$.subscribe({
        next: (batch) => this.read(batch),
        error: (error: unknown) => this.failed(error),
      }),
    );
    await reader.live;
    if (reader.checkpoint().get(topic)?.id !== id) this.loseAll('epoch');
    this.lookAgain();
  }

  private check(pending: PendingRecovery, ends: PartitionOffsets | undefined): void {
    if (ends === undefined) pending.lose('epoch');
    else if (pending.since > ends.latest) pending.lose('future');
    else if (pending.since < ends.earliest) pending.lose('expired');
    else this.extend(pending);
  }

  private extend({ partition, until }: PendingRecovery): void {
    this.untils.set(partition, Math.max(until, this.untils.get(partition) ?? 0));
  }

  private starts(): Map<number, number> {
    const starts = new Map<number, number>();
    for (const { partition, since } of this.pending)
      starts.set(partition, Math.min(since, starts.get(partition) ?? since));
    return starts;
  }

  private read({ messages }: Batch): void {
    const [first] = messages;
    const until = first === undefined ? undefined : this.untils.get(first.partition);
    if (first === undefined || until === undefined) return;
    this.parts.metrics.records.value += messages.length;
    for (const pending of [...this.pending])
      if (!pending.hasBegun && pending.partition === first.partition) this.begun(pending, messages);
    const wanted = messages.filter(({ offset }) => offset < until);
    if (wanted.length > 0)
      this.parts.rerun.take(wanted.length === messages.length ? new Batch(messages) : new Batch(wanted));
    this.lookSoon();
  }

  /** The first record that it could get says how old the others may be at most. */
  private begun(pending: PendingRecovery, messages: readonly Message[]): void {
    if ((messages.at(-1) as Message).offset < pending.since) return;
    pending.hasBegun = true;
    const first = messages.find(({ offset }) => offset >= pending.since);
    if (first === undefined || first.offset >= pending.until) return;
    if (first.timestamp < this.parts.clock.now() - this.parts.age) pending.lose('too_old');
  }

  private lost({ partition, from, to, recreated }: Gap): void {
    this.earlier?.lose(partition);
    for (const pending of [...this.pending]) {
      if (recreated === true) pending.lose('epoch');
      // One that goes back is behind the end of the log, which is not the one that positions are of.
      else if (pending.partition === partition && from < pending.until && (to > pending.since || to < from))
        pending.lose('expired');
    }
    this.lookSoon();
  }

  private hand(message: Message, channels: Iterable<unknown>): void {
    let kept: Message | undefined;
    for (const channel of channels) {
      const isForAll = this.earlier?.wants(message.partition) === true && isChannelName(channel);
      const asking = this.byChannel.get(channel as string)?.filter((pending) => isOf(pending, message)) ?? [];
      if (!isForAll && asking.length === 0) continue;
      kept ??= this.keptOf(message);
      if (kept === undefined) for (const pending of asking) pending.lose('too_many');
      else {
        for (const pending of asking) pending.add(kept);
        if (isForAll) this.earlier?.add(channel, kept);
      }
    }
  }

  /** Undefined where there is no room for it. */
  private keptOf(message: Message): Message | undefined {
    if (this.parts.keep(RECORD + message.payload.length)) return keptRecord(message);
    this.earlier?.loseAll();
    return undefined;
  }

  /** After all that is done in this turn: a reader moves its position on once a batch was taken. */
  private lookSoon(): void {
    if (this.isLookDue) return;
    this.isLookDue = true;
    queueMicrotask(() => {
      this.isLookDue = false;
      this.look();
    });
  }

  private readonly lookAgain = (): void => {
    this.look();
    if (!this.over.signal.aborted) this.cancelLook = this.parts.clock.after(LOOK, this.lookAgain);
  };

  /** Answers those that have all their records, and ends reading where no request wants more. */
  private look(): void {
    const { reader, untils } = this;
    const { topic, rerun } = this.parts;
    if (reader === undefined || this.over.signal.aborted) return;
    const positions = reader.positions().get(topic);
    const positionOf = (partition: number) => positions?.get(partition) ?? 0;
    for (const [partition, until] of untils) {
      if (positionOf(partition) < until) continue;
      untils.delete(partition);
      this.earlier?.ended(partition, until);
      reader.leave({ topic, partition });
    }
    if (!rerun.isSettled) return;
    // Before the clients go on: what is kept by then need not be read for the next ones.
    for (const part of this.earlier?.take() ?? []) this.parts.extend(part);
    for (const pending of [...this.pending]) if (pending.until <= positionOf(pending.partition)) pending.complete();
  }

  private forget(pending: PendingRecovery): void {
    this.pending.delete(pending);
    const others = this.byChannel.get(pending.request.channel)?.filter((one) => one !== pending) ?? [];
    if (others.length === 0) this.byChannel.delete(pending.request.channel);
    else this.byChannel.set(pending.request.channel, others);
    if (this.pending.size === 0) this.over.abort();
  }
}

/** Whether a request is for that record of its channel. */
function isOf({ partition, since, until }: PendingRecovery, message: Message): boolean {
  return partition === message.partition && message.offset >= since && message.offset < until;
}
