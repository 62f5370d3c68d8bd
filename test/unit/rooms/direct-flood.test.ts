import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { rooms } from '../../../src/codecs/rooms.ts';
import { openRoomLog, type Peer, RoomGateway } from '../../property/rooms-rig.ts';
import { make } from '../codecs/made.ts';

/* Large direct messages to a client that does not read: only the sender has to wait. */

const QUEUE = 1_000_000;
const LARGE = 'x'.repeat(600_000);
const COUNT = 60;

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !condition(); ) {
    if (Date.now() > end) throw new Error(`not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function setUp(t: TestContext, count: number) {
  const log = await openRoomLog();
  const gateways = Array.from({ length: count }, () => new RoomGateway(log, make(rooms), false, { lease: 5_000 }));
  t.after(async () => {
    await Promise.all(gateways.map((gateway) => gateway.kill()));
    await log.close();
  });
  for (const gateway of gateways) gateway.start();
  for (const gateway of gateways) await until(() => gateway.isReady, 'the gateway is ready');
  return gateways as [RoomGateway, ...RoomGateway[]];
}

async function joined(gateway: RoomGateway): Promise<{ peer: Peer; id: string }> {
  const peer = gateway.join();
  await until(() => peer.frames.length > 0, 'it is welcomed');
  return { peer, id: (JSON.parse(peer.frames[0] as string) as { clientId: string }).clientId };
}

const of = (peer: Peer, type: string) =>
  peer.frames
    .map((frame) => JSON.parse(frame) as { type: string; message: string })
    .filter((each) => each.type === type);

test('on one gateway the sender gets the losses, and the receiver keeps its place and its queue', async (t) => {
  const [gateway] = await setUp(t, 1);
  const [{ peer: sender }, { peer: victim, id }] = [await joined(gateway), await joined(gateway)];
  victim.isStuck = true;
  let most = 0;
  for (let n = 0; n < COUNT; n += 1) {
    sender.says(JSON.stringify({ type: 'broadcast-one', targetId: id, message: LARGE }));
    await new Promise((resolve) => setImmediate(resolve));
    most = Math.max(most, gateway.heldBytes);
  }
  await until(() => gateway.unsettled === 0, 'every message has its end');
  assert.ok(most <= QUEUE, `${most} bytes were held`);
  assert.equal(of(victim, 'direct').length, 1, 'one is in the socket, one in the queue');
  assert.deepEqual(
    [...new Set(of(sender, 'error').map(({ message }) => message))],
    ['the message could not be passed on, try again'],
  );
  assert.equal(of(sender, 'error').length, COUNT - 2);
  victim.takes();
  await until(() => of(victim, 'direct').length === 2, 'the victim reads on');
  await until(() => of(victim, 'error').length === 1, 'the victim gets an error');
  assert.match(
    of(victim, 'error')[0]?.message ?? '',
    /^58 messages were dropped because this client reads too slowly$/,
  );
  assert.deepEqual([victim.closed, sender.closed], [undefined, undefined]);
  sender.says(JSON.stringify({ type: 'broadcast-one', targetId: id, message: 'small' }));
  await until(() => of(victim, 'direct').length === 3, 'the next one is passed on');
});

test('on another gateway they are in flight until stored, and the receiver drops what exceeds its queue', async (t) => {
  const [gateway, other] = (await setUp(t, 2)) as [RoomGateway, RoomGateway];
  const [{ peer: sender }, { peer: victim, id }] = [await joined(gateway), await joined(other)];
  await until(() => gateway.names.includes(id), 'the sender sees it');
  victim.isStuck = true;
  for (let n = 0; n < COUNT; n += 1)
    sender.says(JSON.stringify({ type: 'broadcast-one', targetId: id, message: LARGE }));
  assert.ok(
    gateway.unsettled <= 2,
    `${gateway.unsettled} of ${COUNT} were read at once: a connection may have 1 MB in flight`,
  );
  let most = 0;
  await until(() => {
    most = Math.max(most, other.heldBytes);
    return other.dropped === COUNT - 2;
  }, 'what there is no room for is dropped');
  assert.ok(most <= QUEUE, `${most} bytes were held`);
  await until(() => gateway.unsettled === 0, 'every message has its end');
  assert.deepEqual([victim.closed, sender.closed], [undefined, undefined]);
});

test('kicks count as in flight, too', async (t) => {
  const [gateway, other] = (await setUp(t, 2)) as [RoomGateway, RoomGateway];
  const [{ peer: sender }, { id }] = [await joined(gateway), await joined(other)];
  await until(() => gateway.names.includes(id), 'the sender sees it');
  for (let n = 0; n < 1_000; n += 1) sender.says(JSON.stringify({ type: 'kick-one', targetId: id }));
  assert.ok(gateway.unsettled <= 100, `${gateway.unsettled} were read at once: a connection may have 100 in flight`);
  await until(() => gateway.unsettled === 0, 'they are done');
  assert.equal(sender.closed, undefined);
});
