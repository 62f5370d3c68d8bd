import type { Meta } from '../../../../src/core/content.ts';
import { writeJson } from '../../../../src/core/exact-number.ts';
import { Message } from '../../../../src/core/message.ts';

const TOMBSTONE: Meta = Object.freeze({ tombstone: true });

/** Records of one compacted partition, at rising offsets. */
export class Records {
  readonly all: Message[] = [];

  add(key: string, value: object | null): Message {
    return this.put(
      value === null
        ? new Message(Buffer.alloc(0), { key, meta: TOMBSTONE })
        : new Message(Buffer.from(writeJson(value) ?? ''), { key }),
    );
  }

  put(message: Message): Message {
    message.offset = (this.all.at(-1)?.offset ?? -1) + 1;
    this.all.push(message);
    return message;
  }

  /** What compaction leaves: the newest record of each key. */
  compacted(): Message[] {
    const newest = new Map(this.all.map((message) => [String(message.key), message]));
    return this.all.filter((message) => newest.get(String(message.key)) === message);
  }
}
