import fc from 'fast-check';
import type { FrameContent } from '../../src/testing/arbitraries/frames.ts';

/*
 * What clients may send that mean harm, or are broken: frames that are nearly those of a codec, and bytes that are nearly
 * WebSocket frames (RFC 6455 5.2).
 */

/** Bytes of one masked frame, and whether the listener has to close for it. */
export interface Frame {
  readonly bytes: Buffer;
  readonly breaksProtocol: boolean;
}

const scalar = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 12 }),
  fc.constantFrom('', '__proto__', 'constructor', '\u0000', '\ud83d', '*', '../x', '${! json }', '9'.repeat(300)),
  fc.integer(),
  fc.double(),
  fc.constantFrom(2 ** 53, -0, 1e308, null, true, false),
);
const junk = fc.oneof(
  { weight: 5, arbitrary: scalar },
  fc.array(scalar, { maxLength: 4 }),
  fc.jsonValue({ maxDepth: 3 }),
);

/** Mostly what is expected there, sometimes anything at all. */
const nearly = (...expected: unknown[]) =>
  fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...expected) }, { weight: 1, arbitrary: junk });

const name = nearly('fuzz-1', 'fuzz-2', 'other', 'a b', '_tidegate.x');
const object = (fields: Record<string, fc.Arbitrary<unknown>>) =>
  fc.oneof({ weight: 8, arbitrary: fc.record(fields, { requiredKeys: [] }) }, { weight: 1, arbitrary: junk });

const channel = nearly('fuzz', 'fuzz.1', 'client.1', 'x'.repeat(256));
/** A command of the codec `centrifuge`; most clients begin with `connect`. */
const command = object({
  id: nearly(1, 2, 0, 2 ** 32),
  connect: object({
    token: nearly('a.b.c'),
    data: junk,
    subs: object({ fuzz: object({ recover: nearly(true), offset: nearly(1, -1) }) }),
  }),
  subscribe: object({ channel, recover: nearly(true), epoch: nearly('e.0', ''), offset: nearly(0, 2 ** 53) }),
  unsubscribe: object({ channel }),
  publish: object({ channel, data: junk }),
  history: object({
    channel,
    limit: nearly(1, -1),
    since: object({ offset: nearly(1), epoch: nearly('e.0') }),
    reverse: nearly(true),
  }),
  presence: object({ channel }),
  presence_stats: object({ channel }),
  refresh: object({ token: nearly('') }),
  rpc: object({ method: nearly('m'), data: junk }),
  send: object({ data: junk }),
  ping: object({}),
});
const commands = fc
  .array(fc.oneof(command, fc.constant({}), fc.constant({ id: 1, connect: {} })), { maxLength: 5 })
  .map((list) => list.map((one) => JSON.stringify(one)).join('\n'));

const SHAPES: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  raw: junk,
  json: fc.jsonValue({ maxDepth: 4 }),
  envelope: object({
    messageType: nearly('USER', 'SYSTEM', 'ACK'),
    content: nearly('hello', '', 'x'.repeat(2_000)),
    timestamp: nearly('2026-01-01T00:00:00.000Z', 'yesterday', 0),
    id: nearly(1, 'a', '9'.repeat(400)),
    extra: junk,
  }),
  topics: object({
    id: nearly(1, 'x', null),
    t: nearly('topic', 'notif', 'health'),
    a: nearly('create', 'list', 'subscribe', 'unsubscribe', 'commit', 'seek', 'pause', 'resume', 'credit'),
    ack: nearly(true, false),
    p: fc.oneof(
      object({
        t: fc.oneof(name, fc.array(name, { maxLength: 3 })),
        m: junk,
        key: nearly('k', null),
        headers: nearly({ a: 'b' }, [['a', null]]),
        consumer_group: nearly('fuzz-group', ''),
        from: nearly('earliest', 'latest', { 'fuzz-1': { 0: 0 } }),
        commit: nearly('auto', 'manual'),
        credit: nearly(10, -1),
        wait: nearly(true),
        detail: nearly(true),
      }),
      fc.array(fc.oneof(name, object({ topic: name, partition: nearly(0, 99), offset: nearly(0, -5) })), {
        maxLength: 3,
      }),
    ),
  }),
  centrifuge: commands,
  rooms: object({
    type: nearly('broadcast-all', 'broadcast', 'broadcast-one', 'kick-one', 'kick-all', 'chat'),
    targetId: nearly('client-1', 'client-2', 'client-999999'),
    message: junk,
  }),
  chat: fc.oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom('/name x', '\u001b[2J', 'a\r\nb', '')),
};

export const FUZZED_CODECS: readonly string[] = Object.keys(SHAPES);

/** Frames of a client of that codec. */
export function hostileFrames(codec: string): fc.Arbitrary<readonly Frame[]> {
  const text = payloadsOf(codec);
  const good = fc.tuple(text, fc.constantFrom(1, 1, 1, 1, 2)).map(([payload, opcode]) => frame(payload, opcode));
  const control = fc.tuple(fc.uint8Array({ maxLength: 125 }), fc.constantFrom(9, 10)).map(([payload, opcode]) => {
    return frame(Buffer.from(payload), opcode);
  });
  const inPieces = fc.tuple(text, fc.nat()).map(([payload, at]) => {
    const middle = payload.length === 0 ? 0 : at % payload.length;
    const pieces = [frame(payload.subarray(0, middle), 1, false), frame(payload.subarray(middle), 0)];
    return { bytes: Buffer.concat(pieces.map(({ bytes }) => bytes)), breaksProtocol: !isText(payload) };
  });
  const one = fc.oneof(
    { weight: 20, arbitrary: good },
    { weight: 2, arbitrary: control },
    { weight: 3, arbitrary: inPieces },
    { weight: 1, arbitrary: broken },
  );
  return fc.array(one, { minLength: 1, maxLength: 40, size: 'max' });
}

function payloadsOf(codec: string): fc.Arbitrary<Buffer> {
  const shape = SHAPES[codec] ?? fc.constant('');
  return fc.oneof(
    { weight: 6, arbitrary: shape.map(written) },
    { weight: 3, arbitrary: fc.tuple(shape.map(written), mutation).map(([whole, mutate]) => mutate(whole)) },
  );
}

/** What such frames hold; as a binary frame where it is no text, as a listener would have closed the connection for it. */
export function hostileFrameContents(codec: string): fc.Arbitrary<FrameContent> {
  return payloadsOf(codec).map((data) => ({ data, binary: !isText(data) }));
}

/** `written` never fails: what JSON cannot express is left to the client as text. */
function written(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : (JSON.stringify(value) ?? 'undefined'));
}

/** Changes of a text that leave most of it as it is. */
const mutation: fc.Arbitrary<(whole: Buffer) => Buffer> = fc.oneof(
  fc.nat().map((at) => (whole: Buffer) => whole.subarray(0, at % (whole.length + 1))),
  fc.tuple(fc.nat(), fc.nat(255)).map(([at, byte]) => (whole: Buffer) => {
    const changed = Buffer.from(whole);
    if (changed.length > 0) changed[at % changed.length] = byte;
    return changed;
  }),
  fc.tuple(fc.nat(), fc.constantFrom('{', '[', '"', ',', '\\u', 'null', '\u0000', '}')).map(([at, added]) => {
    return (whole: Buffer) => {
      const where = at % (whole.length + 1);
      return Buffer.concat([whole.subarray(0, where), Buffer.from(added), whole.subarray(where)]);
    };
  }),
  fc.nat(2_000).map((depth) => (whole: Buffer) => Buffer.concat([Buffer.from('['.repeat(depth)), whole])),
  fc.constant((whole: Buffer) => Buffer.concat([whole, whole])),
);

/** Frames that RFC 6455 forbids. */
const broken: fc.Arbitrary<Frame> = fc.oneof(
  // Reserved bits and opcodes.
  fc.tuple(fc.constantFrom(0x40, 0x20, 0x10), fc.constantFrom(1, 2)).map(([bit, opcode]) => {
    const { bytes } = frame(Buffer.from('x'), opcode);
    bytes[0] = (bytes[0] ?? 0) | bit;
    return { bytes, breaksProtocol: true };
  }),
  fc
    .constantFrom(3, 4, 5, 6, 7, 11, 12, 13, 14, 15)
    .map((opcode) => ({ ...frame(Buffer.from('x'), opcode), breaksProtocol: true })),
  // Not masked; a control frame that is too long, or in pieces; a length of 2^63.
  fc.constant({ bytes: Buffer.from([0x81, 1, 0x78]), breaksProtocol: true }),
  fc.constant({ ...frame(Buffer.alloc(126), 9), breaksProtocol: true }),
  fc.constant({ ...frame(Buffer.from('x'), 9, false), breaksProtocol: true }),
  fc.constant({ bytes: Buffer.from('82ff8000000000000000', 'hex'), breaksProtocol: true }),
);

/** A frame with a mask of zeros, which leaves the payload as it is. */
export function frame(payload: Buffer, opcode: number, fin = true): Frame {
  const { length } = payload;
  const head = length < 126 ? Buffer.from([0, 0x80 | length, 0, 0, 0, 0]) : Buffer.alloc(length < 65_536 ? 8 : 14);
  head[0] = (fin ? 0x80 : 0) | opcode;
  if (length >= 126) head[1] = 0x80 | (length < 65_536 ? 126 : 127);
  if (length >= 65_536) head.writeUInt32BE(length, 6);
  else if (length >= 126) head.writeUInt16BE(length, 2);
  return { bytes: Buffer.concat([head, payload]), breaksProtocol: opcode === 1 && fin && !isText(payload) };
}

function isText(payload: Buffer): boolean {
  return Buffer.compare(Buffer.from(payload.toString()), payload) === 0;
}
