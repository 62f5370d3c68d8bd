import { Message, type SettleTarget } from '../../core/message.ts';
import { formatDuration } from '../../core/units.ts';

/** A time in which nothing could be received. */
export interface Silence {
  /** The URL as it may be shown. */
  readonly url: string;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Whether the server was asked to go on behind what came last. */
  readonly isResumed: boolean;
}

/** Tells records of gaps from messages of the feed. */
const GAP_HEADER = 'tidegate-gap';

/** The record of a gap: `{"gap": {"url", "from", "to", "seconds", "reason", "resumed"}}`, times as ISO 8601. */
export function gapRecord(silence: Silence, target: SettleTarget): Message {
  const { url, reason, isResumed } = silence;
  const [from, to] = [new Date(silence.from).toISOString(), new Date(silence.to).toISOString()];
  const gap = { url, from, to, seconds: (silence.to - silence.from) / 1_000, reason, resumed: isResumed };
  return new Message(Buffer.from(JSON.stringify({ gap })), {
    headers: [[GAP_HEADER, `${from}/${to}`]],
    meta: { url, binary: false, gap: true },
    timestamp: silence.to,
    target,
  });
}

export function describeSilence({ url, from, to, reason, isResumed }: Silence): string {
  const times = `from ${new Date(from).toISOString()} to ${new Date(to).toISOString()}`;
  const effect = isResumed
    ? 'the server was asked to go on behind what came last'
    : 'what it sent meanwhile is missing, unless it sends it again';
  return `nothing came from ${url} for ${formatDuration(to - from)}, ${times}: ${reason}; ${effect}`;
}
