import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePosition } from '../../../src/core/channel-position.ts';
import { Message } from '../../../src/core/message.ts';
import { type SimulatedClient, Simulation } from '../../../src/testing/index.ts';

interface Frame {
  readonly type: string;
  readonly channel?: string;
  readonly position?: string;
  readonly recovered?: boolean;
  readonly count?: number;
  readonly data?: { readonly n: number; readonly of: string };
}

/** More than a socket takes of a client that does not read. */
const LONG = 'x'.repeat(20_000);

const framesOf = ({ frames }: SimulatedClient) => frames.map((frame) => JSON.parse(String(frame)) as Frame);
const offsetsOf = (client: SimulatedClient) =>
  framesOf(client).flatMap(({ type, position = '' }) =>
    type === 'message' ? [(parsePosition(position)?.offset ?? 0) - 1] : [],
  );

/** A gateway whose records of a topic all are in one channel, and a client that is in it and does not read. */
async function slowClient(slowConsumer: string) {
  const simulation = await Simulation.start(`
log: { topics: { prices: { partitions: 1 } } }
listeners: { public: { port: 9090 } }
endpoints:
  prices:
    listener: public
    path: /prices
    codec: json
    direction: out
    channels: { history: { last: 100 } }
    allow: { subscribe: [ all ] }
    slow_consumer: ${slowConsumer}
pipelines:
  prices-out: { source: { topic: { names: [ prices ] } }, sink: { endpoint: { name: prices, channel: all } } }
`);
  let n = 0;
  const write = async (...keys: string[]) => {
    const records = keys.map((key) => {
      n += 1;
      return new Message(Buffer.from(JSON.stringify({ n, of: key, text: LONG })), { key, timestamp: 0 });
    });
    await simulation.log.append('prices', records);
    await simulation.quiet();
  };
  const comesIn = async (since?: string) => {
    const client = await simulation.connect('prices');
    client.send({ type: 'subscribe', channel: 'all', since });
    await simulation.quiet();
    return client;
  };
  const client = await comesIn();
  client.stall();
  return { simulation, client, write, comesIn };
}

test('a slow client that leaves a channel and comes back with its position gets no record twice', async () => {
  const { simulation, client, write } = await slowClient('{ queue: 1MiB }');
  await write('a');
  client.unstall();
  await simulation.quiet();
  const { position } = framesOf(client).at(-1) as Frame;
  client.stall();
  await write(...Array.from({ length: 9 }, () => 'a'));
  client.send({ type: 'unsubscribe', channel: 'all' });
  await simulation.quiet();
  const { length } = client.frames;
  client.send({ type: 'subscribe', channel: 'all', since: position });
  await simulation.quiet();
  assert.equal(client.frames.length, length);
  client.unstall();
  await simulation.quiet();
  const after = framesOf(client).slice(framesOf(client).findIndex(({ recovered }) => recovered === true) + 1);
  assert.deepEqual(
    after.map(({ data }) => data?.n),
    [2, 3, 4, 5, 6, 7, 8, 9, 10],
  );
  await simulation.stop();
});

test('no answer shows a slow client a position in front of which records still wait for it', async () => {
  const { simulation, client, write } = await slowClient('{ queue: 1MiB }');
  await write(...Array.from({ length: 9 }, () => 'a'));
  client.send({ type: 'subscribe', channel: 'all' });
  await simulation.quiet();
  client.unstall();
  await simulation.quiet();
  assert.equal(framesOf(client).filter(({ type }) => type === 'subscribed').length, 2);
  let records = 0;
  for (const { type, position } of framesOf(client)) {
    if (type === 'message') records += 1;
    if (position !== undefined) assert.equal(parsePosition(position)?.offset, records, `${type} ${position}`);
  }
  assert.equal(records, 9);
  await simulation.stop();
});

test('with latest the records of a channel that a slow client gets keep their order', async () => {
  const { simulation, client, write } = await slowClient(`{ queue: 1MiB, when_full: latest, key: "\${! key }" }`);
  for (const key of ['1', '2', '3', '4', '5', '6', 'a', 'b', 'a', 'c', 'b']) await write(key);
  client.unstall();
  await simulation.quiet();
  const offsets = offsetsOf(client);
  assert.deepEqual(
    offsets,
    [...offsets].sort((one, other) => one - other),
    String(offsets),
  );
  assert.deepEqual(offsets.slice(-3), [8, 9, 10], 'the newest of each key');
  await simulation.stop();
});
