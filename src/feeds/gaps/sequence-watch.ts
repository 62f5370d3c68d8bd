import { parseAsWritten } from '../../core/exact-number.ts';
import { Message, type SettleTarget } from '../../core/message.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import type { FeedContext } from '../context/feed-context.ts';
import type { Backlog } from '../queues/backlog.ts';
import type { RemoteMetrics } from '../reports/metrics.ts';
import { RepeatedWarning } from '../reports/repeated-warning.ts';
import type { Entry } from '../resume/in-order.ts';
import { isUsable } from '../resume/sent-values.ts';
import type { SequenceSettings } from '../settings/sequence-settings.ts';
import type { FeedSettings } from '../settings/source-settings.ts';
import { gapRecord, type Outage, writeGap } from './outage.ts';
import { Resubscriptions } from './resubscriptions.ts';
import { type SequenceBreak, SequenceTracker } from './sequence-tracker.ts';

/** Characters of a value that are shown in the log. */
const MAX_SHOWN = 60;
/** A whole number, also as text. The length is bounded because a conversion takes longer than its length says. */
const WHOLE = /^"?(-?\d{1,100})"?$/;

export interface SequenceWatchOptions {
  /** The URL as it may be shown. */
  readonly name: string;
  readonly settings: Pick<FeedSettings, 'gap' | 'resume'>;
  readonly context: FeedContext;
  /** Of records of gaps that are not stored yet. */
  readonly backlog: Backlog;
  readonly metrics: RemoteMetrics;
  /** Settles the record of a gap. */
  readonly target: SettleTarget;
  /** Answers a message on the connection with this number. */
  readonly answer: (make: AnswerTemplate, message: Message, connection: number) => void;
}

/** Reports the gaps in the sequences of one URL. */
export class SequenceWatch {
  private readonly options: SequenceWatchOptions;
  private readonly tracker: SequenceTracker;
  private readonly hasFirst: boolean;
  private readonly resubscriptions: Resubscriptions;
  private readonly gaps: RepeatedWarning;
  private readonly unreadable: RepeatedWarning;
  /** For the warnings. */
  private lastGap = '';
  private lastUnreadable = '';

  constructor(sequence: SequenceSettings, options: SequenceWatchOptions) {
    this.options = options;
    this.tracker = new SequenceTracker(sequence);
    this.hasFirst = sequence.first !== undefined;
    this.resubscriptions = new Resubscriptions(sequence, options.context.clock);
    this.gaps = this.warning('gaps in sequences', () => this.lastGap);
    this.unreadable = this.warning('messages without a whole number', () => this.lastUnreadable);
  }

  /** Takes the messages in the order of arrival. Returns the record of a gap for the pipeline, if there is to be one. */
  take({ message, connection, sequence, isRecord }: Entry): Message | undefined {
    const { name, metrics } = this.options;
    const { value, first, by = '' } = sequence ?? {};
    if (!isThere(value)) return undefined;
    const last = wholeOf(value);
    const begin = isThere(first) ? wholeOf(first) : last;
    if (last === undefined || begin === undefined) {
      // A reply, or a ping, may have anything in that place.
      if (!isRecord) return undefined;
      metrics.sequenceGap('unreadable', 0n);
      const [what, text = ''] = last === undefined ? ['value', value] : ['first', first];
      this.lastUnreadable = `sequence.${what} of a message of ${name} is ${shown(text)}, which is not a whole number`;
      this.unreadable.happened();
      return undefined;
    }
    // A snapshot, which names no message before it.
    if (this.hasFirst && isRecord && !isThere(first)) this.tracker.forget(by);
    const found = this.tracker.take({ by, value: last, first: begin, connection, at: message.timestamp, isRecord });
    return found === undefined ? undefined : this.report(found, by, message, connection);
  }

  /** These symbols are subscribed to anew: what was not received meanwhile is no gap. */
  forget(symbols: readonly string[]): void {
    for (const symbol of symbols) this.tracker.forget(JSON.stringify(symbol));
  }

  /** Logs what has not been logged. */
  stop(): void {
    this.gaps.stop();
    this.unreadable.stop();
  }

  private report(found: SequenceBreak, by: string, message: Message, connection: number): Message | undefined {
    const { name, settings, context, backlog, metrics, target } = this.options;
    const { kind, missing, since, isAcrossConnections } = found;
    const reason = reasonOf(found, by);
    metrics.sequenceGap(kind, missing);
    this.lastGap = `${reason}, in what ${name} sends`;
    this.gaps.happened();
    // The subscriptions of a new connection have just been made.
    if (!isAcrossConnections) this.resubscribe(by, withBy(message, by), connection);
    const outage: Outage = {
      url: name,
      from: since,
      to: Math.max(since, message.timestamp),
      reason,
      isResumed: isAcrossConnections && settings.resume !== undefined,
      sequence: jsonOf(found, by),
    };
    writeGap(outage, settings.gap, context, backlog);
    return settings.gap?.record === true ? gapRecord(outage, target) : undefined;
  }

  private resubscribe(by: string, message: Message, connection: number): void {
    for (const { send } of this.resubscriptions.for(by)) this.options.answer(send, message, connection);
  }

  private warning(what: string, last: () => string): RepeatedWarning {
    const { name, context } = this.options;
    return new RepeatedWarning({
      context,
      fields: { url: name },
      counted: 'count',
      first: () => `${context.path}: ${last()}`,
      more: (count) => `${context.path}: ${count} more ${what}; the last one: ${last()}`,
    });
  }
}

function isThere(json: string | undefined): json is string {
  return json !== undefined && json !== 'null';
}

function wholeOf(json: string): bigint | undefined {
  const digits = WHOLE.exec(json)?.[1];
  return digits === undefined ? undefined : BigInt(digits);
}

function reasonOf({ kind, after, before, missing }: SequenceBreak, by: string): string {
  const whose = by === '' ? 'the sequence' : `the sequence of ${shown(by)}`;
  if (kind === 'back') return `${whose} goes back from ${after} to ${before}`;
  return `${whose} lacks ${missing} ${missing === 1n ? 'number' : 'numbers'} between ${after} and ${before}`;
}

/** Numbers keep all their digits. A value that is too long for a record is cut. */
function jsonOf({ kind, after, before, missing }: SequenceBreak, by: string): string {
  const whose = by === '' ? 'null' : isUsable(by) ? by : JSON.stringify(shown(by));
  return `{"by":${whose},"kind":"${kind}","after":${after},"before":${before},"missing":${missing}}`;
}

function withBy({ payload, headers, meta, timestamp }: Message, by: string): Message {
  const hasBy = by !== '' && isUsable(by);
  return new Message(payload, { headers, timestamp, meta: hasBy ? { ...meta, by: parseAsWritten(by) } : meta });
}

function shown(json: string): string {
  return json.length > MAX_SHOWN ? `${json.slice(0, MAX_SHOWN)}…` : json;
}
