import fc from 'fast-check';
import { Batch } from '../../core/batch.ts';
import { writeJson } from '../../core/exact-number.ts';
import type { Headers } from '../../core/headers.ts';
import { Message } from '../../core/message.ts';
import { anyHeaders } from './headers.ts';
import { anyJson, anyJsonObject } from './json.ts';

/** What a message says: enough to make as many equal messages of it as are needed. */
export interface MessageContent {
  readonly payload: Buffer;
  readonly key: string | null;
  readonly headers: Headers;
}

/** Payloads: mostly JSON objects, also any JSON and any bytes. */
export const anyPayload: fc.Arbitrary<Buffer> = fc.oneof(
  { weight: 5, arbitrary: anyJsonObject.map(asBytes) },
  { weight: 2, arbitrary: anyJson.map(asBytes) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)) },
);

/** Keys of which some are equal, and messages without one. */
const key = fc.oneof(fc.constantFrom('a', 'b', 'c', null), fc.option(fc.string()));

export const anyContent: fc.Arbitrary<MessageContent> = fc.record({
  payload: anyPayload,
  key,
  headers: fc.oneof(fc.constant<Headers>([]), anyHeaders),
});

/** A message with a payload, a key and headers of any kind, which no source waits for. */
export const anyMessage: fc.Arbitrary<Message> = anyContent.map(messageOf);

/** Up to 20 messages, of which some have the same key. */
export const anyBatch: fc.Arbitrary<Batch> = fc.array(anyMessage, { maxLength: 20 }).map((some) => new Batch(some));

function messageOf({ payload, ...rest }: MessageContent): Message {
  return new Message(payload, rest);
}

function asBytes(json: unknown): Buffer {
  return Buffer.from(writeJson(json) ?? '');
}
