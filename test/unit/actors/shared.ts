import { SharedFrame } from '../../../src/core/shared-frame.ts';

/** A frame whose bytes on the plain wire are the text; on another wire they name it, such as `sse(text)`. */
export function shared(text: string): SharedFrame {
  const encode = ({ data }: { readonly data: Buffer | string }, wire: string) =>
    Buffer.from(wire === 'plain' ? data.toString() : `${wire}(${data})`);
  return new SharedFrame({ data: text, binary: false }, encode);
}

/** The text that it was made of. */
export function textOf(frame: SharedFrame): string {
  return frame.bytes('plain').toString();
}
