import { Cursor, writeUvarint } from './varint.ts';

/*
 * Flexible versions of Kafka's protocol (KIP-482): lengths are unsigned varints of the length + 1, 0 is null, and each
 * structure ends in tagged fields. We write none and skip those that we read.
 */

/** Bytes that a length takes at most. */
export const LENGTH_BYTES = 5;
export const ID_BYTES = 16;
/** "No tagged fields", at the end of each structure and of the header. */
export const NO_TAGS = 0;

/** What Kafka gives as the id of a topic that has none. */
const NO_ID = Buffer.alloc(ID_BYTES).toString('base64url');

/** Writes the length of an array or a text. */
export function writeLength(buffer: Buffer, length: number, at: number): number {
  return writeUvarint(buffer, length + 1, at);
}

export function writeText(buffer: Buffer, text: string, at: number): number {
  const place = writeLength(buffer, Buffer.byteLength(text), at);
  return place + buffer.write(text, place);
}

/** Writes the id of a topic in the form in which Kafka's tools show it. */
export function writeId(buffer: Buffer, id: string, at: number): number {
  return at + buffer.write(id, at, ID_BYTES, 'base64url');
}

/** Reads answers in a flexible version. */
export class FlexibleCursor extends Cursor {
  /** -1 for null. */
  length(): number {
    return this.uvarint() - 1;
  }

  text(): string | null {
    const length = this.length();
    if (length < 0) return null;
    this.at += length;
    return this.buffer.toString('utf8', this.at - length, this.at);
  }

  /** Of a topic, as Kafka's tools show it; undefined where it has none. */
  id(): string | undefined {
    this.at += ID_BYTES;
    const id = this.buffer.toString('base64url', this.at - ID_BYTES, this.at);
    return id === NO_ID ? undefined : id;
  }

  skipInts(): void {
    const length = Math.max(0, this.length());
    this.at += length * 4;
  }

  skipTags(): void {
    for (let tags = this.uvarint(); tags > 0; tags -= 1) {
      this.uvarint();
      const size = this.uvarint();
      this.at += size;
    }
  }
}
