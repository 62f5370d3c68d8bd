import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { chat } from '../../../src/codecs/chat.ts';
import { rooms } from '../../../src/codecs/rooms.ts';
import type { Codec } from '../../../src/core/component.ts';
import type { Log } from '../../../src/core/log.ts';
import { type GatewayOptions, openRoomLog, type Peer, ROOM, RoomGateway } from '../../property/rooms-rig.ts';
import { make } from '../codecs/made.ts';

/* One name, two clients: a gateway is frozen past its death, another client takes the name, the gateway wakes up. */

const LEASE = 600;
const LINES = Array.from({ length: 10 }, (_, n) => `line ${n}`);

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 60_000; !condition(); ) {
    if (Date.now() > end) throw new Error(`not so: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Two gateways of one room; the one that the test freezes, and another. */
class FrozenRoom {
  readonly frozen: RoomGateway;
  readonly other: RoomGateway;
  private readonly log: Log;
  private readonly codec: Codec;
  private readonly lease: number;
  private readonly gateways: RoomGateway[] = [];

  private constructor(log: Log, codec: Codec, first: GatewayOptions, lease: number) {
    this.log = log;
    this.codec = codec;
    this.lease = lease;
    this.frozen = this.open(first);
    this.other = this.open();
  }

  static async open(t: TestContext, codec: Codec, first: GatewayOptions = {}, lease = LEASE): Promise<FrozenRoom> {
    const log = await openRoomLog();
    const room = new FrozenRoom(log, codec, first, lease);
    t.after(async () => {
      await Promise.all(room.gateways.map((gateway) => gateway.kill()));
      await log.close();
    });
    for (const gateway of [room.frozen, room.other]) await isReady(gateway);
    return room;
  }

  /** One more gateway. */
  async start(): Promise<RoomGateway> {
    const gateway = this.open();
    await isReady(gateway);
    return gateway;
  }

  /** Texts of all records of the room's topic. */
  async stored(): Promise<string[]> {
    const texts: string[] = [];
    const reader = this.log.reader({ topics: [ROOM], from: 'earliest' });
    reader.batches$.subscribe(({ messages }) => void texts.push(...messages.map(({ text }) => text)));
    const ends = await this.log.admin.offsets(ROOM);
    const isRead = () => ends.every((end) => (reader.positions().get(ROOM)?.get(end.partition) ?? 0) >= end.latest);
    await until(isRead, 'the topic is read');
    await reader.close();
    return texts;
  }

  private open(options: GatewayOptions = {}): RoomGateway {
    const gateway = new RoomGateway(this.log, this.codec, true, { lease: this.lease, ...options });
    this.gateways.push(gateway);
    gateway.start();
    return gateway;
  }
}

function isReady(gateway: RoomGateway): Promise<void> {
  return until(() => gateway.isReady, 'the gateway is ready');
}

async function joined(gateway: RoomGateway, name?: string): Promise<Peer> {
  const peer = gateway.join(name);
  await until(() => peer.frames.length > 0 || !peer.isOpen, 'there is an answer');
  assert.ok(peer.isOpen, `closed with ${peer.closed}`);
  return peer;
}

/** Bob's gateway is frozen past its lease, and another client takes his name. */
async function succeeded(frozen: RoomGateway, other: RoomGateway) {
  const bob = await joined(frozen, 'Bob');
  const ann = await joined(other, 'Ann');
  bob.says('before');
  await until(() => ann.frames.includes('Bob: before'), 'Ann hears the first line');
  frozen.freeze();
  await until(() => !other.names.includes('Bob'), 'Bob is gone');
  return { bob, ann, heir: await joined(other, 'Bob') };
}

test('messages of the former holder of a name are neither written nor delivered', async (t) => {
  const room = await FrozenRoom.open(t, make(chat));
  const { frozen, other } = room;
  const { bob, ann, heir } = await succeeded(frozen, other);
  for (const line of LINES) bob.says(line);
  frozen.thaw();
  await until(() => !bob.isOpen, 'the former Bob is sent away');
  assert.equal(bob.closed, 1012);
  heir.says('it is me');
  await until(() => ann.frames.includes('Bob: it is me'), 'Ann hears the new one');
  assert.deepEqual(
    ann.frames.filter((line) => line.startsWith('Bob: ')),
    ['Bob: before', 'Bob: it is me'],
  );
  assert.equal((await room.stored()).length, 2);
});

test('messages sent without the lease are passed on once it is back, and none is lost', async (t) => {
  const room = await FrozenRoom.open(t, make(chat), {}, 900);
  const { frozen, other } = room;
  const bob = await joined(frozen, 'Bob');
  const ann = await joined(other, 'Ann');
  // Two thirds of a lease have passed by its own clock, and its next one is not written yet.
  frozen.skip(650);
  for (const line of LINES) bob.says(line);
  await new Promise((resolve) => setImmediate(resolve));
  assert.ok(!ann.frames.some((line) => line.startsWith('Bob: ')), 'it has no lease, so it says nothing');
  await until(() => ann.frames.includes(`Bob: ${LINES.at(-1)}`), 'Ann hears it');
  assert.deepEqual(
    ann.frames.filter((line) => line.startsWith('Bob: ')),
    LINES.map((line) => `Bob: ${line}`),
  );
  assert.ok(bob.isOpen);
});

test('readers drop messages that were written nevertheless, and so do gateways that start later', async (t) => {
  const room = await FrozenRoom.open(t, make(chat), { isReckless: true });
  const { frozen, other } = room;
  const { bob, ann, heir } = await succeeded(frozen, other);
  for (const line of LINES) bob.says(line);
  await until(() => other.late >= LINES.length, 'they were read');
  heir.says('it is me');
  await until(() => ann.frames.includes('Bob: it is me'), 'Ann hears the new one');
  const heard = (peer: Peer) => peer.frames.filter((line) => line.startsWith('Bob: '));
  assert.equal((await room.stored()).length, LINES.length + 2);
  assert.deepEqual(heard(ann), ['Bob: before', 'Bob: it is me']);
  const late = await joined(await room.start(), 'Eve');
  assert.deepEqual(heard(late).sort(), ['Bob: before', 'Bob: it is me']);
});

test('direct messages and kicks of a member whose gateway is dead reach no client', async (t) => {
  const room = await FrozenRoom.open(t, make(rooms));
  const { frozen, other } = room;
  const [bob, near, far] = [await joined(frozen), await joined(frozen), await joined(other)];
  await until(() => frozen.names.length === 3 && other.names.length === 3, 'all are there');
  const [, nearId, farId] = [bob, near, far].map(
    ({ frames }) => (JSON.parse(frames[0] as string) as { clientId: string }).clientId,
  );
  frozen.freeze();
  await until(() => other.names.length === 1, 'the two are gone');
  for (const targetId of [nearId, farId]) {
    bob.says(JSON.stringify({ type: 'broadcast-one', targetId, message: 'psst' }));
    bob.says(JSON.stringify({ type: 'kick-one', targetId }));
  }
  bob.says(JSON.stringify({ type: 'kick-all' }));
  frozen.thaw();
  await until(() => !bob.isOpen && !near.isOpen, 'the two are sent away');
  await joined(frozen);
  await until(() => other.names.length === 2, 'the gateway is back');
  assert.deepEqual([bob.closed, near.closed, far.closed], [1012, 1012, undefined]);
  const types = [near, far].flatMap(({ frames }) =>
    frames.map((frame) => (JSON.parse(frame) as { type: string }).type),
  );
  assert.deepEqual(
    types.filter((type) => type === 'direct' || type === 'kicked'),
    [],
  );
});
