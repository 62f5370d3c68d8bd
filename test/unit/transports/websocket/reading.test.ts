// Own process: it measures memory, which the garbage of other tests would hide.

import assert from 'node:assert/strict';
import type { Writable } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as ws from 'ws';
import { ClientMemory } from '../../../../src/core/client-memory.ts';
import type { Socket } from '../../../../src/core/socket.ts';
import { Blocks } from '../../../../src/transports/websocket/blocks.ts';
import { Reading } from '../../../../src/transports/websocket/reading.ts';
import { DEAF, oneEndpoint } from '../../../helpers/one-endpoint.ts';
import { frameHead, RawClient, wholeFrame } from '../../../helpers/raw-client.ts';

const MEBIBYTE = 1_048_576;

/** One client of a real listener, and the socket behind it. */
async function connected(t: TestContext, memory = new ClientMemory()) {
  let socket: Socket | undefined;
  const frames: string[] = [];
  let pongs = 0;
  let closed: number | undefined;
  let onFrame: (text: string) => void = () => {};
  const port = await oneEndpoint(t, { compresses: false, maxPayload: MEBIBYTE, memory }, (accepted) => {
    socket = accepted;
    accepted.attach({
      ...DEAF,
      onFrame: (data) => {
        frames.push(data.toString());
        onFrame(data.toString());
      },
      onPong: () => {
        pongs += 1;
      },
      onClose: (code) => {
        closed = code;
      },
    });
  });
  const client = await RawClient.open(port, '/');
  t.after(() => client.socket.destroy());
  /** Sends each piece in a packet of its own. */
  const send = async (...pieces: Buffer[]) => {
    for (const piece of pieces) {
      client.socket.write(piece);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  const until = async (condition: () => boolean) => {
    for (const end = Date.now() + 5_000; !condition(); ) {
      assert.ok(Date.now() < end, `${condition} is not so`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  };
  // The endpoint was called before the answer to the handshake came.
  return {
    client,
    socket: socket as unknown as Socket,
    memory,
    frames,
    pongs: () => pongs,
    closed: () => closed,
    hear: (listen: typeof onFrame) => {
      onFrame = listen;
    },
    send,
    until,
  };
}

const masked = (text: string) => {
  const mask = [1, 2, 3, 4];
  const payload = Buffer.from(text);
  const head = Buffer.from([0x81, 0x80 | payload.length, ...mask]);
  return Buffer.concat([head, payload.map((byte, at) => byte ^ (mask[at % 4] ?? 0))]);
};

test('a frame that comes byte by byte, head and mask included, is whole, and the next one too', async (t) => {
  const { frames, send, until, memory } = await connected(t);
  const bytes = Buffer.concat([masked('Grüße'), masked('two')]);
  await send(...Array.from(bytes, (byte) => Buffer.from([byte])));
  await until(() => frames.length === 2);
  assert.deepEqual(frames, ['Grüße', 'two']);
  assert.equal(memory.held, 0);
});

test('a large frame in pieces is whole, with what comes behind its end in the same piece', async (t) => {
  const { frames, send, until, memory } = await connected(t);
  const payload = Buffer.from(Array.from({ length: 300_000 }, (_, at) => 97 + (at % 26)));
  const all = Buffer.concat([
    wholeFrame(Buffer.from('before')),
    wholeFrame(payload),
    wholeFrame(Buffer.from('behind')),
  ]);
  await send(all.subarray(0, 7), all.subarray(7, 4_000), all.subarray(4_000, 290_000), all.subarray(290_000));
  await until(() => frames.length === 3);
  assert.deepEqual([frames[0], frames[1] === payload.toString(), frames[2]], ['before', true, 'behind']);
  assert.equal(memory.held, 0);
});

test('fragments are joined, control frames may come between them, and a character may be cut', async (t) => {
  const { frames, pongs, send, until, memory } = await connected(t);
  const text = Buffer.from('aü');
  const part = (bytes: Buffer, how: { opcode: number; fin: boolean }) => wholeFrame(bytes, how);
  const pong = wholeFrame(Buffer.from('p'), { opcode: 0x0a });
  await send(
    part(text.subarray(0, 2), { opcode: 1, fin: false }),
    pong,
    part(Buffer.alloc(0), { opcode: 0, fin: false }),
    Buffer.concat([part(text.subarray(2), { opcode: 0, fin: false }), pong]),
  );
  await until(() => pongs() === 2);
  assert.ok(memory.held > 0 && memory.held < 5_000, `${memory.held} bytes`);
  await send(part(Buffer.from('!'), { opcode: 0, fin: true }), wholeFrame(Buffer.from('next')));
  await until(() => frames.length === 2);
  assert.deepEqual(frames, ['aü!', 'next']);
  assert.equal(memory.held, 0);
});

test('text that is not UTF-8 is refused, also in fragments', async (t) => {
  const { send, until, closed, memory, frames } = await connected(t);
  await send(
    wholeFrame(Buffer.from([0xc3]), { opcode: 1, fin: false }),
    wholeFrame(Buffer.from('x'), { opcode: 0, fin: true }),
  );
  await until(() => closed() !== undefined);
  assert.deepEqual([frames, closed(), memory.held], [[], 1007, 0]);
});

test('pieces cost what they cost: a thousand bytes that came alone, and fragments with much between them', async (t) => {
  const { socket, client, send, until, memory, pongs } = await connected(t);
  await send(frameHead(MEBIBYTE), ...Array<Buffer>(300).fill(Buffer.from('x')));
  await until(() => socket.partial > 0);
  assert.deepEqual([socket.partial, memory.held], [4_096, 4_096]);
  client.socket.write(Buffer.alloc(10_000));
  await until(() => socket.partial > 4_096);
  assert.equal(socket.partial, 4_096 + 16_384);
  assert.equal(pongs(), 0);
});

test('a message that comes byte by byte, or in fragments of a byte, takes no Buffer for each', async () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const { Receiver } = ws as unknown as { Receiver: new (options: object) => Writable };
  const fragment = wholeFrame(Buffer.from('x'), { opcode: 0, fin: false });
  const ways: [Buffer, Buffer][] = [
    [frameHead(MEBIBYTE), Buffer.from('x')],
    [
      wholeFrame(Buffer.from('x'), { fin: false }),
      Buffer.concat([fragment, wholeFrame(Buffer.alloc(99), { opcode: 10 })]),
    ],
  ];
  for (const [first, next] of ways) {
    const receiver = new Receiver({ isServer: true, maxPayload: MEBIBYTE });
    new Reading(receiver, new ClientMemory(), { stop() {}, start() {} });
    receiver.write(first);
    const before = used();
    for (let bytes = 0; bytes < 50_000; bytes++) receiver.write(Buffer.from(next));
    await new Promise((resolve) => setImmediate(resolve));
    const more = used() - before;
    // The heap itself moves by a MiB; as Buffers they took 12 MiB and more.
    assert.ok(more < 2 * MEBIBYTE, `${more} bytes more`);
  }
});

test('blocks are used again', (t) => {
  const used = new Blocks();
  used.append(Buffer.alloc(50_000));
  used.clear();
  const allocations = t.mock.method(Buffer, 'allocUnsafeSlow');
  used.append(Buffer.alloc(50_000));
  assert.equal(allocations.mock.callCount(), 0);
});

test('a closing socket frees its unfinished message at once, keeps no more, and reads the close frame', async (t) => {
  const { socket, send, until, memory, closed, frames } = await connected(t);
  await send(wholeFrame(Buffer.from('x'), { fin: false }));
  await send(Buffer.concat([frameHead(200_000, { opcode: 0, fin: false }), Buffer.alloc(100_000)]));
  await until(() => memory.held > 100_000);
  socket.close(1013, 'out of memory');
  assert.equal(memory.held, 0);
  const end = Buffer.concat([Buffer.alloc(50_000), wholeFrame(Buffer.from('y'), { opcode: 0 })]);
  await send(Buffer.alloc(50_000), end, Buffer.concat([frameHead(100_000), Buffer.alloc(60_000)]));
  assert.equal(memory.held, 0);
  await send(
    Buffer.concat([Buffer.alloc(40_000), frameHead(2, { opcode: 8 }), Buffer.from([0x03])]),
    Buffer.from([0xe8]),
  );
  await until(() => closed() !== undefined);
  assert.equal(closed(), 1000);
  assert.deepEqual([frames.filter((text) => text.length > 1), memory.held], [[], 0]);
});

test('a client that vanishes in the middle of a message leaves nothing', async (t) => {
  const { client, send, until, memory } = await connected(t);
  await send(wholeFrame(Buffer.from('x'), { fin: false }), frameHead(1_000, { opcode: 0 }), Buffer.from('y'));
  await until(() => memory.held === 2 * 4_096);
  client.socket.resetAndDestroy();
  await until(() => memory.held === 0);
});

test('a protocol error leaves nothing either, though the peer does not close', async (t) => {
  const { client, send, until, memory } = await connected(t);
  // It does not hear the server's close.
  client.socket.pause();
  await send(wholeFrame(Buffer.from('x'), { fin: false }));
  await until(() => memory.held > 0);
  await send(frameHead(10 * MEBIBYTE, { opcode: 0 }));
  await until(() => memory.held === 0);
});

test('at the limit a socket inside a message is not read, whole frames are; it goes on when there is room', async (t) => {
  const memory = new ClientMemory(200_000);
  const { socket, client, send, until, frames } = await connected(t, memory);
  client.socket.write(Buffer.concat([frameHead(MEBIBYTE), Buffer.alloc(MEBIBYTE, 'x')]));
  await until(() => socket.isStarved);
  await send();
  assert.ok(memory.held < 200_000 + 65_536 + 2 * 16_384, `${memory.held} bytes`);
  assert.deepEqual([frames.length, memory.waiting], [0, 1]);
  memory.read(-2 * MEBIBYTE);
  await until(() => frames.length === 1);
  assert.deepEqual([socket.isStarved, memory.waiting, frames[0]?.length], [false, 0, MEBIBYTE]);
});

test('a socket that is starved and closed waits no more', async (t) => {
  const memory = new ClientMemory(100_000);
  const { socket, client, until } = await connected(t, memory);
  client.socket.write(Buffer.concat([frameHead(MEBIBYTE), Buffer.alloc(500_000, 'x')]));
  await until(() => socket.isStarved);
  socket.terminate();
  assert.deepEqual([memory.waiting, memory.held], [0, 0]);
});

test('a paused socket gives no more frames, even those already read; resumed it goes on in order', async (t) => {
  const { socket, send, until, frames, hear } = await connected(t);
  hear((text) => {
    if (text === '3') socket.pause();
  });
  const words = Array.from({ length: 9 }, (_, at) => String(at + 1));
  await send(Buffer.concat(words.slice(0, 6).map((word) => wholeFrame(Buffer.from(word)))));
  await send(Buffer.concat(words.slice(6).map((word) => wholeFrame(Buffer.from(word)))));
  await until(() => frames.length === 3);
  assert.equal(socket.partial, 0, 'they are no unfinished message');
  hear((text) => {
    if (text === '5') socket.pause();
  });
  socket.resume();
  assert.deepEqual(frames, ['1', '2', '3', '4', '5']);
  hear(() => {});
  socket.resume();
  await until(() => frames.length === 9);
  assert.deepEqual(frames, words);
});

test('a socket that is paused and resumed within one frame goes on', async (t) => {
  const { socket, send, until, frames, hear } = await connected(t);
  hear(() => {
    socket.pause();
    socket.resume();
  });
  await send(Buffer.concat(['1', '2', '3'].map((word) => wholeFrame(Buffer.from(word)))));
  await until(() => frames.length === 3);
});

test('Node reads one piece of a paused socket and no more, however small it is', async (t) => {
  const { socket, send, until, frames } = await connected(t);
  socket.pause();
  await send(...Array.from(masked('slowly'), (byte) => Buffer.from([byte])));
  const { _socket } = (socket as unknown as { ws: { _socket: { readableLength: number } } }).ws;
  assert.equal(_socket.readableLength, 1);
  socket.resume();
  await until(() => frames.length === 1);
  assert.deepEqual(frames, ['slowly']);
});

test('a broken frame behind frames that waited in a paused socket closes it', async (t) => {
  const { socket, client, send, until, frames, hear } = await connected(t);
  hear(() => socket.pause());
  await send(Buffer.concat([wholeFrame(Buffer.from('1')), wholeFrame(Buffer.from('x'), { opcode: 3 })]));
  await until(() => frames.length === 1);
  const before = client.received;
  socket.resume();
  await until(() => client.received > before);
});
