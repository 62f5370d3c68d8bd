import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointGuest, EndpointRoom, RoomEndpoint } from '../../../../src/actors/endpoint/room-port.ts';
import { Batch } from '../../../../src/core/batch.ts';
import type { Frame } from '../../../../src/core/frame.ts';
import { Message } from '../../../../src/core/message.ts';
import { encode, endpointRig, turn, wordCodec } from '../rig.ts';

const UNWRITABLE: Frame = { data: 'unwritable', binary: false };

/** Fails as the frames of RFC 6455 do where a codec gave something that is no frame. */
const failing = (frame: Frame) => {
  if (frame.data === UNWRITABLE.data) throw new TypeError('no frame');
  return encode(frame);
};

const bug = (): never => {
  throw new Error('codec bug');
};

test('an answer that is no frame costs its client the connection, and the message stays settled', async (t) => {
  const { connect, batches, errors } = endpointRig(t, {
    codec: wordCodec({ settled: () => UNWRITABLE }),
    encode: failing,
  });
  const [one, other] = [await connect(), await connect()];
  one.sends('a');
  await turn();
  for (const batch of batches) batch.ack();
  await turn();
  assert.deepEqual([one.orders.at(-1), other.orders], ['close 1011 internal error', []]);
  assert.deepEqual(errors(), ['the codec failed (settled), closing its client']);
});

test('a codec that fails on the farewell closes as the gateway does', async (t) => {
  const { connect, errors } = endpointRig(t, { codec: wordCodec({ farewell: bug }) });
  const socket = await connect();
  socket.sends('!close');
  await turn();
  assert.deepEqual(socket.orders, ['resume', 'close 4001 as asked']);
  assert.deepEqual(errors(), ['the codec failed (farewell), closing its client without it']);
});

test('what the codec fails on, or no bytes are made of, takes nothing else of its turn with it', async (t) => {
  let home: RoomEndpoint<EndpointGuest> | undefined;
  const room = (given: RoomEndpoint<EndpointGuest>) => {
    home = given;
    return undefined as unknown as EndpointRoom<EndpointGuest>;
  };
  const { endpoint, connect, errors } = endpointRig(t, { room, encode: failing });
  const socket = await connect();
  endpoint.deliver(new Batch([new Message(Buffer.from('r'))]));
  for (const make of [bug, () => UNWRITABLE]) assert.equal(home?.said('a change', make), null);
  assert.equal(
    home?.said('nothing', () => null),
    null,
  );
  await turn();
  assert.deepEqual(socket.taken(), ['r|']);
  assert.deepEqual(errors(), Array(2).fill('the codec failed on a change, of which no client hears'));
});
