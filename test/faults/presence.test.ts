import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { readTopic } from '../helpers/topic-content.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { type KafkaService, requireOwnKafka } from '../services/kafka.ts';
import { compacted, createHastyTopics } from './hasty-compaction.ts';
import { RoomGateways } from './room-gateways.ts';

const VISITS = 80;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('the members of a room, when gateways and brokers freeze and the log is compacted', {
  concurrency: true,
}, async (t) => {
  const properties = { 'group.initial.rebalance.delay.ms': '0' };
  const kafka = await requireOwnKafka(t, { properties });
  if (kafka === undefined) return;
  await Promise.all([
    t.test('a gateway that starts after a real compaction sees the same members as all others', (each) =>
      compaction(each, kafka),
    ),
    t.test('a gateway that was frozen past its death sends its clients away and continues as a new one', (each) =>
      frozenGateway(each, kafka),
    ),
  ]);
  await t.test('a broker that freezes for 15 s, longer than a lease, disconnects no member', (each) =>
    frozenBroker(each, kafka),
  );
});

async function compaction(t: TestContext, kafka: KafkaService): Promise<void> {
  const topic = uniqueTopic('compacted');
  const presence = [`_tidegate.${topic}.presence`, `_tidegate.${topic}.chat.presence`] as const;
  await createHastyTopics(kafka.brokers, presence);
  const gateways = new RoomGateways(t, kafka.brokers, { topic, lease: '3s' });
  const [one, other] = await gateways.startTwo();
  const members = [await one.joinRoom(), await other.joinRoom()];
  const stan = await one.joinChat('Stan');
  await other.joinChat('Stella');
  // Two clients claim a name and one wins; the compaction must not confuse the later claim with the earlier one.
  const twins = await Promise.all([one.joinChat('Twin'), other.joinChat('Twin')]);
  const [winner, ...more] = twins.filter(({ isIn }) => isIn);
  assert.ok(winner && more.length === 0);
  for (let n = 0; n < VISITS; n += 1) {
    const gateway = n % 2 === 0 ? one : other;
    const visitors = await Promise.all([gateway.joinChat(`Passer${n}`), gateway.joinRoom()]);
    for (const visitor of visitors) await visitor.close();
  }
  for (const name of presence) t.diagnostic(await compacted(kafka.brokers, name, VISITS));

  const third = await gateways.start();
  const newcomer = await third.joinRoom();
  const ids = [...members, newcomer].map(({ id }) => id);
  for (const client of [...members, newcomer]) await client.knows(ids);
  for (const name of ['Stan', 'Stella', 'Twin']) {
    const again = await third.joinChat(name);
    assert.deepEqual(again.closed, { code: 1003, reason: 'Username already exists.' }, name);
  }
  for (const n of [0, 1, VISITS - 2, VISITS - 1]) {
    const again = await third.joinChat(`Passer${n}`);
    assert.ok(again.isIn, `Passer${n} is not free: ${again.closed?.reason}`);
  }
  await stan.hears(`Passer${VISITS - 1} left the chat`);
  await winner.close();
  await stan.hears('Twin left the chat');
  assert.ok((await third.joinChat('Twin')).isIn);
  for (const gateway of [one, other, third]) {
    await gateway.hasMembers(7, 'chat');
    assert.equal(await gateway.metric('tidegate_presence_gateways', 'chat'), 2);
  }
}

async function frozenGateway(t: TestContext, kafka: KafkaService): Promise<void> {
  const topic = uniqueTopic('frozen');
  const gateways = new RoomGateways(t, kafka.brokers, { topic, lease: '3s' });
  const [frozen, other] = await gateways.startTwo();
  const [sleeper, observer] = [await frozen.joinRoom(), await other.joinRoom()];
  const frida = await frozen.joinChat('Frida');
  const olga = await other.joinChat('Olga');
  await observer.knows([sleeper.id, observer.id]);

  frozen.freeze();
  await observer.knows([observer.id]);
  await olga.hears('Frida left the chat');
  const heir = await other.joinChat('Frida');
  assert.ok(heir.isIn, heir.closed?.reason);
  // The frozen gateway reads these from its sockets when it thaws, before it knows that it was declared dead.
  for (let n = 0; n < 10; n += 1) {
    frida.say(`line ${n} of the former Frida`);
    sleeper.send({ type: 'broadcast', message: `line ${n} of the former client` });
    sleeper.send({ type: 'broadcast-one', targetId: observer.id, message: 'psst' });
  }
  sleeper.send({ type: 'kick-one', targetId: observer.id });
  sleeper.send({ type: 'kick-all' });
  frozen.thaw();

  for (const client of [sleeper, frida]) {
    await client.until(() => client.closed !== undefined);
    assert.deepEqual(client.closed, { code: 1012, reason: 'service restart' });
  }
  await frozen.ready();
  assert.equal(await frozen.metric('tidegate_presence_fenced_total', 'chat'), 1);
  const twin = await frozen.joinChat('Frida');
  assert.deepEqual(twin.closed, { code: 1003, reason: 'Username already exists.' });
  const [again, gerd] = [await frozen.joinRoom(), await frozen.joinChat('Gerd')];
  for (const client of [again, observer]) await client.knows([again.id, observer.id]);
  assert.notEqual(again.id, sleeper.id);
  gerd.say('I am back');
  for (const client of [gerd, heir, olga]) await client.hears('Gerd: I am back');
  again.send({ type: 'broadcast-one', targetId: observer.id, message: 'me, too' });
  await observer.until(() => observer.of('direct').length === 1);
  assert.ok([observer, olga, heir].every(({ closed }) => closed === undefined));
  assert.deepEqual(
    olga.lines.filter((line) => /Frida|Gerd/.test(line)),
    ['Frida left the chat', 'Frida connected to chat', 'Gerd connected to chat', 'Gerd: I am back'],
  );
  assert.deepEqual(
    observer.of('direct').map(({ message }) => message),
    ['me, too'],
  );
  const stored = [...(await readTopic(kafka.brokers, topic)), ...(await readTopic(kafka.brokers, `${topic}.chat`))];
  assert.deepEqual(
    stored.filter(({ value }) => value.includes('former')),
    [],
  );
}

async function frozenBroker(t: TestContext, kafka: KafkaService): Promise<void> {
  const gateways = await new RoomGateways(t, kafka.brokers, {
    topic: uniqueTopic('broker'),
    lease: '10s',
  }).startTwo();
  const [one, other] = gateways;
  const clients = await Promise.all([one, other, one, other].map((gateway) => gateway.joinRoom()));
  const chat = await Promise.all([one.joinChat('Ann'), other.joinChat('Bob')]);
  const ids = clients.map(({ id }) => id);
  for (const client of clients) await client.knows(ids);
  let rounds = 0;
  const say = () => {
    for (const client of clients) client.send({ type: 'broadcast', message: rounds });
    rounds += 1;
  };

  for (let n = 0; n < 20; n += 1) say();
  kafka.pause();
  for (let second = 0; second < 15; second += 1) {
    say();
    await sleep(1_000);
  }
  kafka.resume();
  for (let n = 0; n < 20; n += 1) say();
  for (const client of clients) {
    await client.until(() => client.of('kafka').length >= rounds * clients.length, 30_000);
    for (const id of ids)
      assert.deepEqual(
        client
          .of('kafka')
          .filter(({ from }) => from === id)
          .map(({ message }) => message),
        Array.from({ length: rounds }, (_, n) => n),
      );
  }
  // A member that was declared dead would be announced as gone with the first leases after the freeze.
  await sleep(4_000);
  for (const client of clients) {
    assert.deepEqual([client.closed, client.of('client-disconnected')], [undefined, []]);
    assert.deepEqual(client.room, [...ids].sort());
  }
  for (const { closed, lines } of chat) {
    assert.equal(closed, undefined);
    assert.ok(!lines.some((line) => line.endsWith('left the chat')));
  }
  for (const gateway of gateways)
    for (const endpoint of ['rooms', 'chat'] as const)
      assert.equal(await gateway.metric('tidegate_presence_declared_dead_total', endpoint), 0);
}
