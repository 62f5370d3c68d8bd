import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type createConnection } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ChatClient } from '../helpers/chat-client.ts';
import { startGateway } from '../helpers/gateway-process.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';

const TAKEN = { code: 1003, reason: 'Username already exists.' };
const ROUNDS = 200;
const NAMES = ['Alice', 'Bob', 'Carol', 'Dave'];

test('the chat sends the lines of the existing chat, letter for letter', async (t) => {
  const gateway = await startGateway(t, { config: 'config/examples/chat.yaml' });
  await gateway.ready();
  await talk(gateway.port, gateway.port);
});

test('a client with an invalid name is accepted, then closed with the reason, whatever it sends', async (t) => {
  const gateway = await startGateway(t, { config: 'config/examples/chat.yaml' });
  await gateway.ready();
  await turnAway(gateway.port);
  await breakRules(gateway.port, '%FF');
  await breakRules(gateway.port, '%20');
  const polite = await ChatClient.join(gateway.port, 'Polly');
  assert.ok(polite.isIn, gateway.output());
  assert.match(
    (await gateway.get('/metrics')).body,
    /tidegate_connections_refused_total\{[^}]*reason="path"[^}]*\} [1-9]/,
  );
});

test('two gateways are one chat', async (t) => {
  const kafka = await requireKafka(t);
  if (kafka === undefined) return;
  const ports = await startPair(t, kafka.brokers);

  await t.test('every line is the same on both', () => talk(...ports));

  await t.test(`a name that both claim at the same time goes to one of them, ${ROUNDS} times`, async (race) => {
    const watchers = [await ChatClient.join(ports[0], 'Watcher0'), await ChatClient.join(ports[1], 'Watcher1')];
    await watchers[0]?.hears('Watcher1 connected to chat');
    const before = watchers.map(({ lines }) => lines.length);
    const wins = [0, 0];
    const rounds = ROUNDS / NAMES.length;
    await Promise.all(
      NAMES.map(async (name) => {
        for (let round = 1; round <= rounds; round += 1) {
          const winner = await askOnBoth(ports, name, round);
          wins[ports.indexOf(winner.port)] = (wins[ports.indexOf(winner.port)] ?? 0) + 1;
          await winner.client.close();
          const isGone = ({ lines }: ChatClient) =>
            lines.filter((line) => line === `${name} left the chat`).length === round;
          for (const watcher of watchers) await watcher.until(() => isGone(watcher));
        }
      }),
    );
    for (const [at, watcher] of watchers.entries()) {
      const lines = watcher.lines.slice(before[at]);
      assert.equal(lines.length, 2 * ROUNDS, 'a refused one has caused a line');
      for (const name of NAMES)
        assert.deepEqual(
          lines.filter((line) => line.startsWith(`${name} `)),
          Array.from({ length: rounds }, () => [`${name} connected to chat`, `${name} left the chat`]).flat(),
        );
    }
    race.diagnostic(`${wins.join(' and ')} wins`);
  });
});

/** Joins, messages, leaves; the last two by clients on different gateways. */
async function talk(...[here, there]: readonly [number, number]): Promise<void> {
  const anna = await ChatClient.join(here, 'Anna?age=20');
  const ben = await ChatClient.join(there, 'Ben');
  await anna.hears('Ben connected to chat');
  const cleo = await ChatClient.join(there, 'Cl%C3%A9o%20%F0%9F%8E%A9?age=30');
  await ben.hears('Cléo 🎩 with age 30 connected to chat');
  await anna.hears('Cléo 🎩 with age 30 connected to chat');
  const twin = await ChatClient.join(here, 'Ben?age=99');
  await twin.until(() => twin.closed !== undefined);
  assert.deepEqual([twin.closed, twin.lines], [TAKEN, []]);
  ben.say('Hello, everyone: <b>hi</b>');
  for (const each of [anna, ben, cleo]) await each.hears('Ben: Hello, everyone: <b>hi</b>');
  anna.say('{"from":"Cléo","message":"no","timestamp":"x"}');
  await ben.hears('Anna: {"from":"Cléo","message":"no","timestamp":"x"}');
  await ben.close();
  for (const each of [anna, cleo]) await each.hears('Ben left the chat');
  const again = await ChatClient.join(here, 'Ben');
  await cleo.hears('Ben connected to chat');
  // Of two such lines the first came long before.
  await anna.until(() => anna.lines.filter((line) => line === 'Ben connected to chat').length === 2);
  assert.deepEqual(anna.lines, [
    'Hi Anna! You have succesfully connected to the chat',
    'Ben connected to chat',
    'Cléo 🎩 with age 30 connected to chat',
    'Ben: Hello, everyone: <b>hi</b>',
    'Anna: {"from":"Cléo","message":"no","timestamp":"x"}',
    'Ben left the chat',
    'Ben connected to chat',
  ]);
  assert.deepEqual(cleo.lines, [
    'Hi Cléo 🎩! You have succesfully connected to the chat',
    'Ben: Hello, everyone: <b>hi</b>',
    'Anna: {"from":"Cléo","message":"no","timestamp":"x"}',
    'Ben left the chat',
    'Ben connected to chat',
  ]);
  for (const each of [again, cleo]) await each.close();
  await anna.hears('Cléo 🎩 left the chat');
  await anna.close();
}

/** Names that cannot be: a browser can read the close that follows, and could not read a handshake's 4xx. */
async function turnAway(port: number): Promise<void> {
  const watcher = await ChatClient.join(port, 'Watcher');
  const empty = 'name: it is empty; write it in the path, 1 to 64 characters';
  const long = 'name: it has 65 characters, and 64 are allowed';
  const refused: readonly (readonly [string, string])[] = [
    ['', empty],
    ['%20', empty],
    ['%09%20%0A', empty],
    ['x'.repeat(65), long],
    ['%F0%9F%8E%A9'.repeat(65), long],
    ['a%00b', 'name: U+0000 at 2 is a control character; leave it out'],
    ['a%0Ab', 'name: U+000A at 2 is a control character; leave it out'],
    ['a%7Fb', 'name: U+007F at 2 is a control character; leave it out'],
    ['a%E2%80%AEb', 'name: U+202E at 2 cannot be seen; leave it out'],
    ['%E2%80%8D', 'name: U+200D at 1 cannot be seen; leave it out'],
    [
      'Ben%3A%20hi',
      'name: it must not have a colon before a space or at the end, as lines of the chat have; leave it out',
    ],
    ['%FF', 'username in the path is not percent-encoded UTF-8'],
    ['a%2', 'username in the path is not percent-encoded UTF-8'],
    ['%ED%A0%80', 'username in the path is not percent-encoded UTF-8'],
    ['Zoe?age=1%002', 'age: U+0000 at 2 is a control character; leave it out'],
    [`Zoe?age=${'9'.repeat(65)}`, 'age: it has 65 characters, and 64 are allowed'],
  ];
  for (const [path, reason] of refused) {
    const client = await ChatClient.join(port, path);
    await client.until(() => client.closed !== undefined);
    assert.deepEqual([path, client.closed, client.lines], [path, { code: 1008, reason }, []]);
  }
  const longest = '%F0%9F%8E%A9'.repeat(64);
  const taken: readonly (readonly [string, string])[] = [
    [longest, decodeURIComponent(longest)],
    ['%20%20Max%20', 'Max'],
    ['a%2Fb', 'a/b'],
    ['%25', '%'],
  ];
  for (const [path, name] of taken) {
    const client = await ChatClient.join(port, path);
    assert.deepEqual(client.lines, [`Hi ${name}! You have succesfully connected to the chat`]);
    await client.close();
    await watcher.hears(`${name} left the chat`);
  }
  assert.equal(watcher.lines.length, 1 + 2 * taken.length, 'a refused one has caused a line');
  await watcher.close();
}

/** Speaks no WebSocket behind its handshake: reserved bits are set. Resolves when the gateway has hung up. */
async function breakRules(port: number, path: string): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  // A reset is as good an end as any.
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const headers = [
    `GET /chat/${path} HTTP/1.1`,
    'Host: localhost',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
  ];
  socket.write(`${headers.join('\r\n')}\r\n\r\n`);
  await once(socket, 'data');
  socket.end(Buffer.from([0xf1, 0x80, 1, 2, 3, 4]));
  await closed;
}

/** Both requests leave in one turn, by sockets that wait for them. Gives the one that is in, once the other is not. */
async function askOnBoth(
  ports: readonly [number, number],
  name: string,
  round: number,
): Promise<{ port: number; client: ChatClient }> {
  const order = round % 2 === 0 ? ports : ([ports[1], ports[0]] as const);
  const sockets = order.map((port) => connect(port, '127.0.0.1'));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  const asked = order.map((port, at) =>
    ChatClient.join(port, name, { createConnection: (() => sockets[at]) as unknown as typeof createConnection }),
  );
  const both = (await Promise.all(asked)).map((client, at) => ({ client, port: order[at] as number }));
  const winners = both.filter(({ client }) => client.isIn);
  const refused = both.filter(({ client }) => !client.isIn);
  const [winner] = winners;
  assert.ok(
    winner && winners.length === 1,
    `${name}, round ${round}: ${winners.length} have it: ${JSON.stringify(both.map(({ client }) => [client.lines, client.closed]))}`,
  );
  for (const { client } of refused) {
    await client.until(() => client.closed !== undefined);
    assert.deepEqual([client.closed, client.lines], [TAKEN, []]);
  }
  assert.equal(winner.client.closed, undefined, `${name}, round ${round}: no client has it in the end`);
  return winner;
}

async function startPair(t: TestContext, brokers: string): Promise<[number, number]> {
  const env = { KAFKA_BROKERS: brokers, TOPIC: uniqueTopic('chat') };
  const start = () => startGateway(t, { config: 'test/fixtures/members.yaml', env });
  const gateways = await Promise.all([start(), start()]);
  await Promise.all(gateways.map((gateway) => gateway.ready()));
  return [gateways[0].port, gateways[1].port];
}
