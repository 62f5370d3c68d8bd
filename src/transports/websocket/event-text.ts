import { type ChannelPosition, positionText } from '../../core/channel-position.ts';
import type { Frame } from '../../core/frame.ts';
import { SILENT } from '../../core/shared-frame.ts';

const LINE_END = /\r\n|\r|\n/;

/**
 * A frame as an event of an event stream (HTML 9.2.6): each line of its text is a line `data`. Bytes that are no text come
 * as Base64, as an event of the type `binary`. `position`: its `id`, which the client shows when it comes back. Without data a
 * client takes note of that, and sees no event.
 */
export function eventText(frame: Frame, position?: ChannelPosition): Buffer {
  const id = position === undefined ? '' : `id: ${positionText(position)}\n`;
  return Buffer.from(frame === SILENT ? `${id}\n` : `${id}${dataOf(frame)}\n`);
}

function dataOf({ data, binary }: Frame): string {
  if (binary) return `event: binary\ndata: ${Buffer.from(data).toString('base64')}\n`;
  const text = data.toString();
  if (!text.includes('\n') && !text.includes('\r')) return `data: ${text}\n`;
  return text
    .split(LINE_END)
    .map((line) => `data: ${line}\n`)
    .join('');
}
