import type { Effect } from '../../core/component.ts';
import type { Headers } from '../../core/headers.ts';
import type { CodecMessage } from '../../core/message.ts';

/** As the codec `raw` marks the records of such frames. */
const BINARY: Headers = [['websocket-frame', 'binary']];
/** Close codes for data that an endpoint cannot take (RFC 6455 7.4.1). */
const DATA_REFUSED: ReadonlySet<number> = new Set([1003, 1007]);

/** Characters. What is wrong may quote the frame, which the dead letter has anyway. */
const MAX_WHY = 500;

/**
 * Why a codec refused a frame, by what it wants done: its label in brackets, and what the client is told. Undefined
 * where it took it.
 */
export function whyRefused(effects: readonly Effect[]): string | undefined {
  for (const effect of effects) {
    if (effect.type === 'reply' && effect.rejected !== undefined)
      return effect.why === undefined ? `(${effect.rejected})` : `(${effect.rejected}): ${cut(effect.why)}`;
    if (effect.type === 'close' && DATA_REFUSED.has(effect.code)) return `(${effect.reason})`;
  }
  return undefined;
}

/** A refused frame as the content of a message. */
export function refusedContent(data: Buffer, binary: boolean): CodecMessage {
  return binary ? { payload: data, headers: BINARY } : { payload: data };
}

/** Never between the two halves of a character. */
function cut(text: string): string {
  return text.length <= MAX_WHY ? text : `${text.slice(0, MAX_WHY).replace(/[\uD800-\uDBFF]$/, '')}...`;
}
