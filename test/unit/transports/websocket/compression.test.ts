import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import { ClientMemory } from '../../../../src/core/client-memory.ts';
import { SharedFrame } from '../../../../src/core/shared-frame.ts';
import type { Socket } from '../../../../src/core/socket.ts';
import { frameEncoder } from '../../../../src/transports/websocket/framing.ts';
import { DEAF, oneEndpoint } from '../../../helpers/one-endpoint.ts';
import { RawClient } from '../../../helpers/raw-client.ts';

const MAX_PAYLOAD = 65_536;
const OFFER = { 'sec-websocket-extensions': 'permessage-deflate; client_max_window_bits' };

/** A client of a listener that compresses, and what the gateway read of it. */
async function connected(t: TestContext, headers: Readonly<Record<string, string>> = OFFER) {
  const memory = new ClientMemory();
  const frames: string[] = [];
  let socket: Socket | undefined;
  let mistake: string | undefined;
  const port = await oneEndpoint(t, { compresses: true, maxPayload: MAX_PAYLOAD, memory }, (accepted) => {
    socket = accepted;
    accepted.attach({
      ...DEAF,
      onFrame: (data, binary) => void frames.push(binary ? data.toString('hex') : data.toString()),
      onProtocolError: (_code, message) => {
        mistake = message;
      },
    });
  });
  const client = await RawClient.open(port, '/', headers);
  t.after(() => client.socket.destroy());
  return { client, frames, memory, mistake: () => mistake, wire: () => socket?.wire };
}

function compressed(text: string | Buffer): Buffer {
  const bytes = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  return bytes.subarray(0, bytes.length - 4);
}

/** A masked frame with that first byte; the mask is zero, so the payload is as it is. */
function framed(first: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.from([first, 0x80 | payload.length]) : Buffer.from([first, 0xfe, 0, 0]);
  if (payload.length >= 126) head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

/** First bytes of frames: RSV1 is 0x40. */
const TEXT = 0xc1;
const FIRST_OF_TEXT = 0x41;
const LAST = 0x80;
const MORE = 0x00;
const PING = 0x89;

async function closed({ client }: { readonly client: RawClient }): Promise<number | undefined> {
  while (client.closeCode === undefined && !client.isClosed) await new Promise((resolve) => setTimeout(resolve, 1));
  return client.closeCode;
}

/** Waits until so many messages have been read. */
async function read(frames: readonly string[], count: number): Promise<readonly string[]> {
  while (frames.length < count) await new Promise((resolve) => setImmediate(resolve));
  return frames;
}

test('a client that offers compression gets it without context takeover; another is served plainly', async (t) => {
  const compressing = await connected(t);
  assert.match(
    compressing.client.answer,
    /sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\n/i,
  );
  assert.equal(compressing.wire(), 'deflate');
  const plain = await connected(t, {});
  assert.doesNotMatch(plain.client.answer, /extensions/i);
  assert.equal(plain.wire(), 'plain');
});

test('compressed messages are read, whole, in fragments with a ping between them, and byte by byte', async (t) => {
  const { client, frames, memory } = await connected(t);
  const text = 'the price of it '.repeat(500);
  const payload = compressed(text);
  client.socket.write(Buffer.concat([framed(TEXT, payload), framed(0x81, Buffer.from('plain'))]));
  const third = Math.floor(payload.length / 3);
  const parts = [payload.subarray(0, third), payload.subarray(third, 2 * third), payload.subarray(2 * third)] as const;
  client.socket.write(framed(FIRST_OF_TEXT, parts[0]));
  client.socket.write(framed(PING, Buffer.from('?')));
  client.socket.write(Buffer.concat([framed(MORE, parts[1]), framed(LAST, parts[2])]));
  for (const byte of framed(TEXT, payload)) client.socket.write(Buffer.of(byte));
  client.socket.write(framed(TEXT, compressed('')));
  assert.deepEqual(await read(frames, 5), [text, 'plain', text, text, '']);
  assert.equal(memory.held, 0);
});

test('a block that says it is the last one is read as the others (RFC 7692 7.2.3.4)', async (t) => {
  const { client, frames } = await connected(t);
  client.socket.write(framed(TEXT, Buffer.from([0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00])));
  client.socket.write(framed(TEXT, Buffer.from([0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00])));
  assert.deepEqual(await read(frames, 2), ['Hello', 'Hello']);
});

test('a message that is too large once it is inflated closes with 1009, the largest one does not', async (t) => {
  const fitting = await connected(t);
  fitting.client.socket.write(framed(TEXT, compressed(Buffer.alloc(MAX_PAYLOAD, 'x'))));
  assert.equal((await read(fitting.frames, 1))[0]?.length, MAX_PAYLOAD);
  const bomb = await connected(t);
  bomb.client.socket.write(framed(TEXT, compressed(Buffer.alloc(50_000_000)).subarray(0, 60_000)));
  assert.equal(await closed(bomb), 1009);
  const slight = await connected(t);
  slight.client.socket.write(framed(TEXT, compressed(Buffer.alloc(MAX_PAYLOAD + 1, 'x'))));
  assert.equal(await closed(slight), 1009);
  assert.deepEqual([...bomb.frames, ...slight.frames], []);
});

for (const [what, first, payload, code, headers] of [
  ['data that is not compressed', TEXT, Buffer.from('plain text, though it says otherwise'), 1007, OFFER],
  ['compressed text that is not UTF-8', TEXT, compressed(Buffer.from([0xff, 0xfe])), 1007, OFFER],
  ['a compressed frame that was not negotiated', TEXT, compressed('a'), 1002, {}],
  ['a compressed ping', 0xc9, Buffer.from('?'), 1002, OFFER],
] as const) {
  test(`${what} closes with ${code}`, async (t) => {
    const wrong = await connected(t, headers);
    wrong.client.socket.write(framed(first, payload));
    assert.equal(await closed(wrong), code);
    assert.deepEqual(wrong.frames, []);
    assert.notEqual(wrong.mistake(), undefined);
  });
}

test('a fragment behind the first one that says it is compressed closes with 1002', async (t) => {
  const wrong = await connected(t);
  wrong.client.socket.write(Buffer.concat([framed(FIRST_OF_TEXT, Buffer.of(1)), framed(0xc0, Buffer.of(1))]));
  assert.equal(await closed(wrong), 1002);
});

test('messages from the threshold on leave compressed, with one compression for all clients', () => {
  const frame = (data: string | Buffer, binary = false) =>
    new SharedFrame({ data, binary }, frameEncoder({ threshold: 100, level: 6 }));
  const text = 'a price, '.repeat(20);
  const bytes = frame(text).bytes('deflate');
  assert.equal(bytes[0], TEXT);
  assert.equal(bytes[1], bytes.length - 2);
  assert.notEqual(bytes.subarray(-4).toString('hex'), '0000ffff', 'the end of each message is not sent');
  const data = Buffer.concat([bytes.subarray(2), Buffer.from([0, 0, 0xff, 0xff])]);
  assert.equal(inflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, windowBits: 12 }).toString(), text);
  assert.equal(frame(Buffer.from(text), true).bytes('deflate')[0], 0xc2);
  assert.equal(frame(text).bytes('plain')[0], 0x81);
  const shared = frame(text);
  assert.equal(shared.bytes('deflate'), shared.bytes('deflate'));
  assert.equal(frame('a'.repeat(99)).bytes('deflate')[0], 0x81);
  assert.equal(frame('a'.repeat(100)).bytes('deflate')[0], TEXT);
});

test('a message that does not get smaller leaves as it is', () => {
  const noise = Buffer.from(Array.from({ length: 300 }, (_, at) => (at * at * 31 + at * 17 + (at >> 3) * 101) % 256));
  const frame = new SharedFrame({ data: noise, binary: true }, frameEncoder({ threshold: 1, level: 9 }));
  const tiny = new SharedFrame({ data: 'ab', binary: false }, frameEncoder({ threshold: 1, level: 9 }));
  assert.equal(tiny.bytes('deflate'), tiny.bytes('plain'));
  assert.ok(frame.bytes('deflate').length <= frame.bytes('plain').length);
});

test('what refers further back than 4 KiB is not compressed so, as clients may have no more memory', () => {
  const noise = Buffer.from(Array.from({ length: 6_000 }, (_, at) => Math.floor(Math.abs(Math.sin(at) * 1e6)) % 256));
  const data = Buffer.concat([noise, noise]);
  const bytes = new SharedFrame({ data, binary: true }, frameEncoder({ threshold: 1, level: 9 })).bytes('deflate');
  assert.equal(bytes[0], 0x82, 'the second half was not found in the window');
});
