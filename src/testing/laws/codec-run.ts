import type { Codec } from '../../core/component.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Effect } from '../../core/effect.ts';
import type { Rejection } from '../../core/errors.ts';
import type { Frame } from '../../core/frame.ts';
import type { Outcome } from '../../core/message.ts';
import type { FrameContent } from '../arbitraries/frames.ts';

/** What happens on a connection: a frame comes, a message of it is settled, a record goes out, records were dropped. */
export type CodecStep =
  | { readonly type: 'frame'; readonly frame: FrameContent }
  /** Of the messages that were published and are not settled, the first one: answers are asked for in their order. */
  | { readonly type: 'settled'; readonly outcome: Outcome | 'rejected' | 'busy' }
  | { readonly type: 'dropped'; readonly count: number };

/** What a codec gave in one step. */
export interface CodecOutput {
  readonly effects: readonly Effect[];
  /** Of `settled` and `dropped`. */
  readonly frame: Frame | null;
  readonly step: 'open' | CodecStep['type'];
}

const REJECTIONS: Readonly<Record<'rejected' | 'busy', Rejection>> = {
  rejected: { code: 'TG_MESSAGE_INVALID', message: 'refused by the law', retryable: false },
  busy: { code: 'TG_LOG_UNAVAILABLE', message: 'away by the law', retryable: true },
};

/** Milliseconds since the epoch at which all of it happens. */
export const NOW = Date.UTC(2024, 0, 1, 12);

/** One connection of a codec. */
export class CodecConnection {
  readonly outputs: CodecOutput[] = [];
  private readonly codec: Codec;
  private readonly state: unknown;
  /** Correlations of what was published and is not settled. */
  private readonly pending: unknown[] = [];

  constructor(codec: Codec, connection: ConnectionInfo) {
    this.codec = codec;
    const { state, effects } = codec.open(connection, NOW);
    this.state = state;
    this.put('open', effects, null);
  }

  do(step: CodecStep): void {
    const { codec, state } = this;
    if (step.type === 'frame') {
      const { data, binary } = step.frame;
      this.put('frame', codec.frame(state, Buffer.from(data), binary, NOW), null);
    } else if (step.type === 'dropped') this.put('dropped', [], codec.dropped(step.count, NOW));
    else if (this.pending.length > 0) {
      const correlation = this.pending.shift();
      const { outcome } = step;
      const isRejected = outcome === 'rejected' || outcome === 'busy';
      const frame = isRejected
        ? codec.settled(state, correlation, REJECTIONS[outcome], NOW)
        : codec.settled(state, correlation, null, NOW, outcome);
      this.put('settled', [], frame);
    }
  }

  private put(step: CodecOutput['step'], effects: readonly Effect[], frame: Frame | null): void {
    this.outputs.push({ step, effects, frame });
    if (!Array.isArray(effects)) return;
    for (const effect of effects) if (effect?.type === 'publish') this.pending.push(effect.correlation);
  }
}

/** What came of a connection, for comparisons. */
export function shownOutputs(outputs: readonly CodecOutput[]): string[] {
  return outputs.map(({ step, effects, frame }) => `${step} ${JSON.stringify([effects, frame], texts)}`);
}

/** Bytes as text, so that the message of a law can be read. */
function texts(_name: string, value: unknown): unknown {
  const { type, data } = (value ?? {}) as { readonly type?: unknown; readonly data?: unknown };
  return type === 'Buffer' && Array.isArray(data) ? Buffer.from(data as number[]).toString() : value;
}
