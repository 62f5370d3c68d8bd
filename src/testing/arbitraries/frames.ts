import fc from 'fast-check';

/** What a client sends in one message (RFC 6455 5.6): `data` is valid UTF-8 where it is not binary. */
export interface FrameContent {
  readonly data: Buffer;
  readonly binary: boolean;
}

/** Text that protocols stumble over: no JSON, JSON of another form, other line ends, characters without a place of their own. */
const oddText = fc.constantFrom(
  '',
  ' ',
  'null',
  '[]',
  '{}',
  '{"type":1}',
  '{"type":"send"}',
  '{"id":null,"payload":{}}',
  '\u0000',
  '\ufeff{}',
  '/nick ',
  'a'.repeat(3_000),
  '{"a":'.repeat(200),
);

const text = fc.oneof(
  { weight: 2, arbitrary: oddText },
  { weight: 2, arbitrary: fc.json({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', maxLength: 60 }) },
);

/** Content of text and binary frames: JSON, other text, odd ones, any bytes. */
export const anyFrameContent: fc.Arbitrary<FrameContent> = fc.oneof(
  { weight: 4, arbitrary: text.map((one) => ({ data: Buffer.from(one), binary: false })) },
  {
    weight: 1,
    arbitrary: fc.uint8Array({ maxLength: 60 }).map((bytes) => ({ data: Buffer.from(bytes), binary: true })),
  },
);

const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const opcode = fc.constantFrom(...Object.values(OPCODES));
const mask = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes));

/** The bytes of one frame of a client (RFC 6455 5.2), masked: of any kind, complete or a part of a message. */
export const anyFrame: fc.Arbitrary<Buffer> = fc
  .record({ opcode, mask, isFinal: fc.boolean(), content: anyFrameContent })
  .map(({ opcode: kind, mask: key, isFinal, content }) => {
    const isControl = kind >= OPCODES.close;
    // Control frames are never in parts, and have at most 125 bytes (RFC 6455 5.5).
    const payload = isControl ? content.data.subarray(0, 125) : content.data;
    return frameOf(payload, kind, isControl || isFinal, key);
  });

/** The bytes of one complete message of a client. */
export function clientFrame({ data, binary }: FrameContent, key = Buffer.from([1, 2, 3, 4])): Buffer {
  return frameOf(data, binary ? OPCODES.binary : OPCODES.text, true, key);
}

function frameOf(payload: Buffer, kind: number, isFinal: boolean, key: Buffer): Buffer {
  const masked = Buffer.from(payload.map((byte, at) => byte ^ (key[at % 4] ?? 0)));
  return Buffer.concat([Buffer.from([(isFinal ? 0x80 : 0) | kind]), lengthOf(payload.length), key, masked]);
}

/** With the bit that says that it is masked. */
function lengthOf(length: number): Buffer {
  if (length < 126) return Buffer.from([0x80 | length]);
  const bytes = Buffer.alloc(length < 65_536 ? 3 : 9);
  bytes[0] = 0x80 | (length < 65_536 ? 126 : 127);
  if (length < 65_536) bytes.writeUInt16BE(length, 1);
  else bytes.writeBigUInt64BE(BigInt(length), 1);
  return bytes;
}
