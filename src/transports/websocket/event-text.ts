import type { Frame } from '../../core/component.ts';

const LINE_END = /\r\n|\r|\n/;

/**
 * A frame as an event of an event stream (HTML 9.2.6): each line of its text is a line `data`. Bytes that are no text come
 * as Base64, as an event of the type `binary`.
 */
export function eventText({ data, binary }: Frame): Buffer {
  if (binary) return Buffer.from(`event: binary\ndata: ${Buffer.from(data).toString('base64')}\n\n`);
  const text = data.toString();
  if (!text.includes('\n') && !text.includes('\r')) return Buffer.from(`data: ${text}\n\n`);
  return Buffer.from(
    `${text
      .split(LINE_END)
      .map((line) => `data: ${line}\n`)
      .join('')}\n`,
  );
}
