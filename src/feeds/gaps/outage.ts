import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { TidegateError } from '../../core/errors.ts';
import { Message, type SettleTarget } from '../../core/message.ts';
import { formatDuration } from '../../core/units.ts';
import type { FeedContext } from '../context/feed-context.ts';
import type { Backlog } from '../queues/backlog.ts';
import type { FeedSettings } from '../settings/source-settings.ts';

/**
 * A time in which nothing could be received from a server, or of which messages are missing by their numbers. Settings,
 * metrics and records call it a gap.
 */
export interface Outage {
  /** The URL as it may be shown. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Whether the server was asked to continue after the last message that was received. */
  readonly isResumed: boolean;
  /** What is missing by its numbers, as JSON; undefined if nothing at all could be received. */
  readonly sequence?: string;
  /** The symbols of the connection, with `shards`. */
  readonly symbols?: readonly string[] | undefined;
}

/** Follows whether messages of one server can be received. */
export class OutageWatch {
  private open: Pick<Outage, 'from' | 'reason'> | undefined;

  /** An outage begins, unless there is one already. */
  begin(from: number, reason: string): void {
    this.open ??= { from, reason };
  }

  /** As `begin`, in place of an earlier one. */
  beginAgain(from: number, reason: string): void {
    this.open = { from, reason };
  }

  /** A message or a connection ends the outage. undefined if there is none. */
  end(clock: Clock): Pick<Outage, 'from' | 'to' | 'reason'> | undefined {
    const { open } = this;
    if (open === undefined) return undefined;
    this.open = undefined;
    return { ...open, to: Math.max(open.from, clock.now()) };
  }
}

/** Distinguishes records of gaps from messages of the feed. */
const GAP_HEADER = 'tidegate-gap';

/**
 * The record of a gap: `{"gap": {"url", "from", "to", "seconds", "reason", "resumed", "symbols", "sequence"}}`, times in ISO
 * 8601.
 */
export function gapRecord(outage: Outage, target: SettleTarget): Message {
  const { url, reason, isResumed, symbols, sequence } = outage;
  const [from, to] = [new Date(outage.from).toISOString(), new Date(outage.to).toISOString()];
  const gap = { url, from, to, seconds: (outage.to - outage.from) / 1_000, reason, resumed: isResumed, symbols };
  const json = JSON.stringify(gap);
  const whole = sequence === undefined ? json : `${json.slice(0, -1)},"sequence":${sequence}}`;
  return new Message(Buffer.from(`{"gap":${whole}}`), {
    headers: [[GAP_HEADER, `${from}/${to}`]],
    meta: { url, binary: false, gap: true },
    timestamp: outage.to,
    target,
  });
}

/** Logs an outage, and writes its record. */
export function reportOutage(
  outage: Outage,
  gap: FeedSettings['gap'],
  context: Pick<FeedContext, 'logger' | 'gateway'>,
  backlog: Backlog,
): void {
  const { url, from, to } = outage;
  context.logger.warn({ url, from, to }, describe(outage));
  writeGap(outage, gap, context, backlog);
}

/**
 * Writes the record of a gap to the topic of the section `gap`, if it has one. It waits in `backlog`: each message of a server
 * may show a gap, and the gate of the pipeline does not know of these records.
 */
export function writeGap(
  outage: Outage,
  gap: FeedSettings['gap'],
  { logger, gateway }: Pick<FeedContext, 'logger' | 'gateway'>,
  backlog: Backlog,
): void {
  const { url } = outage;
  if (gap?.topic === undefined) return;
  const settled = ({ size }: Message, failure: TidegateError | null) => {
    backlog.remove(size);
    if (failure !== null)
      logger.error({ code: failure.code }, `a gap of ${url} could not be recorded: ${failure.message}`);
  };
  const record = gapRecord(outage, { settled });
  backlog.add(record.size);
  gateway.topic(gap.topic).write(new Batch([record]));
}

function describe({ url, from, to, reason, isResumed, symbols }: Outage): string {
  const what = symbols === undefined ? '' : ` for ${symbols.length} symbols`;
  const times = `from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  const effect = isResumed
    ? 'the server was asked to continue after the last message'
    : 'messages of that time are missing, unless the server sends them again';
  return `nothing was received from ${url}${what} for ${formatDuration(to - from)}, ${times}: ${reason}; ${effect}`;
}
