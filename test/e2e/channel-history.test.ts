import assert from 'node:assert/strict';
import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { type TestContext, test } from 'node:test';
import { createGateway, type Gateway } from '../../src/index.ts';
import { TestClient } from '../helpers/client.ts';

const CONFIG = `
log: { driver: embedded, embedded: { memory: true }, topics: { prices: { partitions: 3 } } }
admin: { enabled: false }
listeners: { public: { port: 0 } }
endpoints:
  prices:
    listener: public
    path: /prices
    codec: json
    direction: out
    channels: { history: { last: 1000 } }
    allow: { subscribe: "symbol.*" }
  symbol:
    listener: public
    path: "/prices/{symbol}"
    codec: json
    direction: out
    sse: true
    channels: { join: "symbol.\${! meta.symbol }", history: { last: 1000, initial: 1 } }
pipelines:
  prices-out:
    source: { topic: { names: [ prices ] } }
    sink: { endpoint: { name: prices, channel: "symbol.\${! key }" } }
  symbol-out:
    source: { topic: { names: [ prices ] } }
    sink: { endpoint: { name: symbol, channel: "symbol.\${! key }" } }
`;

async function started(t: TestContext): Promise<{ gateway: Gateway; host: string }> {
  const gateway = await createGateway({ config: CONFIG, logger: 'silent' });
  t.after(() => gateway.stop());
  await gateway.start();
  return { gateway, host: `127.0.0.1:${gateway.inspect().listeners[0]?.port}` };
}

interface Said {
  readonly type: string;
  readonly position?: string;
  readonly recovered?: boolean;
  readonly data?: { readonly price: number };
}

/** Publishes prices of a symbol, 1 and so on, until it is ended; resolves with the last one. */
function publishing(gateway: Gateway, key: string): () => Promise<number> {
  const topic = gateway.topic('prices');
  let price = 0;
  let isEnding = false;
  const run = (async () => {
    while (!isEnding) {
      price += 1;
      await topic.publish({ key, value: JSON.stringify({ price }) });
      await topic.publish({ key: 'OTHER', value: '{}' });
    }
    return price;
  })();
  return () => {
    isEnding = true;
    return run;
  };
}

const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);

test('a WebSocket client that comes back with its position gets each price once and in order', async (t) => {
  const { gateway, host } = await started(t);
  const prices: number[] = [];
  let position: string | undefined;
  const connected = async () => {
    const client = await TestClient.open(`ws://${host}/prices`);
    t.after(() => client.ws.terminate());
    client.ws.send(JSON.stringify({ type: 'subscribe', channel: 'symbol.ACME', since: position }));
    const answers: Said[] = [];
    const read = () => {
      for (const frame of client.frames.splice(0)) {
        const said = JSON.parse(frame.toString()) as Said;
        position = said.position;
        if (said.data === undefined) answers.push(said);
        else prices.push(said.data.price);
      }
    };
    return { client, answers, read };
  };
  const first = await connected();
  await first.client.until(() => first.client.frames.length === 1);
  const end = publishing(gateway, 'ACME');
  await first.client.until(() => first.client.frames.length > 20);
  first.read();
  first.client.ws.terminate();
  for (let round = 0; round < 5; round += 1) {
    const before = prices.length;
    const next = await connected();
    await next.client.until(() => {
      next.read();
      return prices.length > before + 20;
    });
    next.client.ws.terminate();
    assert.deepEqual(
      next.answers.map(({ type, recovered }) => [type, recovered]),
      [['subscribed', true]],
    );
  }
  const last = await end();
  const back = await connected();
  await back.client.until(() => {
    back.read();
    return prices.length >= last;
  });
  assert.deepEqual(prices, upTo(last));
});

interface Stream {
  readonly request: ClientRequest;
  readonly events: Said[];
  /** Of the last event. */
  id: string | undefined;
}

/** What curl would show, with the header by which an EventSource comes back. */
async function streamed(t: TestContext, url: string, lastEventId: string | undefined): Promise<Stream> {
  const headers = { accept: 'text/event-stream', ...(lastEventId && { 'last-event-id': lastEventId }) };
  const request = get(url, { headers });
  t.after(() => request.destroy());
  const stream: Stream = { request, events: [], id: undefined };
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  request.on('error', () => {});
  response.on('error', () => {});
  let text = '';
  response.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    const events = text.split('\n\n');
    text = events.pop() ?? '';
    for (const event of events) {
      const [, id] = /^id: (.*)$/m.exec(event) ?? [];
      const [, data] = /^data: (.*)$/m.exec(event) ?? [];
      stream.id = id ?? stream.id;
      if (data !== undefined) stream.events.push(JSON.parse(data) as Said);
    }
  });
  return stream;
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 1_000; !isSo(); left -= 1) {
    assert.ok(left > 0, 'not in time');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('an event stream that comes back with its last id gets each price once and in order', async (t) => {
  const { gateway, host } = await started(t);
  const url = `http://${host}/prices/ACME`;
  const prices: number[] = [];
  const take = ({ events }: Stream) => {
    for (const { data } of events.splice(0)) if (data !== undefined) prices.push(data.price);
  };
  let stream = await streamed(t, url, undefined);
  await until(() => stream.id !== undefined);
  const end = publishing(gateway, 'ACME');
  for (let round = 0; round < 5; round += 1) {
    await until(() => stream.events.length > 20);
    stream.request.destroy();
    const { id } = stream;
    take(stream);
    stream = await streamed(t, url, id);
    await until(() => stream.events.length > 0);
    assert.deepEqual([stream.events[0]?.type, stream.events[0]?.recovered], ['subscribed', true]);
  }
  const last = await end();
  await until(() => {
    take(stream);
    return prices.length >= last;
  });
  assert.deepEqual(prices, upTo(last));
  // A client that comes for the first time gets the newest one.
  const fresh = await streamed(t, url, undefined);
  await until(() => fresh.events.length === 2);
  assert.deepEqual(fresh.events.at(-1)?.data, { price: last });
});
