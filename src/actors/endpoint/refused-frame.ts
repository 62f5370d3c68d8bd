import type { CodecMessage } from '../../core/content.ts';
import type { Effect } from '../../core/effect.ts';
import type { Headers } from '../../core/headers.ts';
import { cut } from '../../core/quote.ts';

/** As the codec `raw` marks the records of such frames. */
const BINARY: Headers = [['websocket-frame', 'binary']];
/** Close codes for data that an endpoint cannot take (RFC 6455 7.4.1). */
const DATA_REFUSED: ReadonlySet<number> = new Set([1003, 1007]);

/** Characters. What is wrong may quote the frame, which the dead letter has anyway. */
const MAX_WHY = 500;

/**
 * Why a codec refused a frame, from the effects that it returned: its label in brackets, and the text for the client. Undefined
 * where it took it.
 */
export function whyRefused(effects: readonly Effect[]): string | undefined {
  for (const effect of effects) {
    if (effect.type === 'reply' && effect.rejected !== undefined)
      return effect.why === undefined ? `(${effect.rejected})` : `(${effect.rejected}): ${cut(effect.why, MAX_WHY)}`;
    if (effect.type === 'close' && DATA_REFUSED.has(effect.code)) return `(${effect.reason})`;
  }
  return undefined;
}

/** A refused frame as the content of a message. */
export function refusedContent(data: Buffer, binary: boolean): CodecMessage {
  return binary ? { payload: data, headers: BINARY } : { payload: data };
}
