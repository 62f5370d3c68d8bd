import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { Batch, Message } from 'tidegate/sdk';
import { LawGateway, sinkLaws } from 'tidegate/testing';
import httpSink from './http-sink.mjs';

/** What the server is to answer, in turns; 200 for ever once the list is empty. */
let answers = [];
let requests = [];
let url = '';
const server = createServer((request, response) => {
  let body = '';
  request.on('data', (chunk) => {
    body += chunk;
  });
  request.on('end', () => {
    requests.push({ body, headers: request.headers });
    const answer = answers.shift() ?? 200;
    if (answer === 'cut') return request.socket.destroy();
    const [status, headers] = typeof answer === 'number' ? [answer, {}] : answer;
    response.writeHead(status, headers).end('{}');
  });
});

before(async () => {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${server.address().port}/orders`;
});
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  answers = [];
  requests = [];
});

const FATES = { stored: 200, refused: 422, away: 503 };

// The laws are made before the server has its port.
for (const [index, { title }] of lawsOf('http://127.0.0.1').entries())
  test(title, async () => lawsOf(url)[index].check());

function lawsOf(address) {
  const outside = (fates) => {
    answers = fates.map((fate) => FATES[fate]);
  };
  return sinkLaws(httpSink, { configs: [{ url: address, tries: 4, max_pause: '0ms' }], outside, runs: 25 });
}

/** A sink with what became of the messages that it was given. */
function opened(settings = {}) {
  const gateway = new LawGateway();
  const sink = httpSink.create(httpSink.config.parse({ url, max_pause: '1s', ...settings }), gateway.context);
  const outcomes = new Map();
  const write = (...texts) => {
    const target = {
      settled: (message, failure) => outcomes.set(message.text, failure === null ? 'stored' : failure.message),
    };
    sink.write(
      new Batch(
        texts.map((text, offset) => new Message(Buffer.from(text), { topic: 't', partition: 0, offset, target })),
      ),
    );
  };
  /** Lets time go by until nothing is left to do. */
  const done = async () => {
    while (!sink.idle) {
      await new Promise((resolve) => setImmediate(resolve));
      const { clock } = gateway;
      if (clock.next !== undefined) clock.advance(Math.ceil(clock.next));
    }
  };
  return { sink, gateway, outcomes, write, done };
}

test('batches arrive in order, one request at a time, as JSON arrays with the digits that they had', async () => {
  const { write, done, outcomes } = opened({ headers: { authorization: 'Bearer secret' } });
  write('{"id":9007199254740993}', '{"id":2}');
  write('{"id":3}');
  await done();
  assert.deepEqual(
    requests.map(({ body }) => body),
    ['[{"id":9007199254740993},{"id":2}]', '[{"id":3}]'],
  );
  assert.equal(requests[0].headers.authorization, 'Bearer secret');
  assert.deepEqual([...outcomes.values()], ['stored', 'stored', 'stored']);
});

test('a server that is busy or cuts the connection is asked again with the same key, and nothing overtakes', async () => {
  answers = [503, 'cut', 429, 200, 200];
  const { write, done, outcomes } = opened();
  write('1');
  write('2');
  await done();
  assert.deepEqual(
    requests.map(({ body }) => body),
    ['[1]', '[1]', '[1]', '[1]', '[2]'],
  );
  const keys = requests.map(({ headers }) => headers['idempotency-key']);
  assert.equal(new Set(keys.slice(0, 4)).size, 1);
  assert.notEqual(keys[4], keys[0]);
  assert.deepEqual([...outcomes.values()], ['stored', 'stored']);
});

test('Retry-After is kept to, in seconds and as a date, up to max_pause', async () => {
  const { write, done, gateway } = opened({ max_pause: '1m' });
  const waits = [];
  const { clock } = gateway;
  const toNext = clock.after.bind(clock);
  clock.after = (milliseconds, callback) => {
    waits.push(Math.round(milliseconds / 1_000));
    return toNext(milliseconds, callback);
  };
  const date = new Date(clock.now() + 27_000).toUTCString();
  answers = [[503, { 'retry-after': '20' }], [429, { 'retry-after': '3600' }], 200];
  write('1');
  await done();
  answers = [[503, { 'retry-after': new Date(clock.now() + 27_000).toUTCString() }], 200];
  write('2');
  await done();
  assert.ok(date.length > 0);
  assert.deepEqual(waits, [20, 60, 27]);
});

test('after the last try the messages fail for good', async () => {
  answers = [503, 503, 503];
  const { write, done, outcomes } = opened({ tries: 3 });
  write('1', '2');
  await done();
  const [host] = /127[^/]*/.exec(url);
  assert.deepEqual(
    [...outcomes],
    [
      ['1', `given up after 3 tries: ${host} answered 503`],
      ['2', `given up after 3 tries: ${host} answered 503`],
    ],
  );
  assert.equal(requests.length, 3);
});

test('one bad message of a batch does not take the others along', async () => {
  const { write, done, outcomes } = opened();
  answers = [422, 200, 422, 200, 400];
  write('1', '2', '3', '4');
  await done();
  assert.deepEqual(
    requests.map(({ body }) => body),
    ['[1,2,3,4]', '[1,2]', '[3,4]', '[3]', '[4]'],
  );
  assert.deepEqual(
    ['1', '2', '3'].map((text) => outcomes.get(text)),
    ['stored', 'stored', 'stored'],
  );
  assert.match(outcomes.get('4'), /answered 400$/);
});

test('what is not JSON fails by itself, and is not sent', async () => {
  const { write, done, outcomes } = opened();
  write('1', 'hello');
  await done();
  assert.deepEqual(
    requests.map(({ body }) => body),
    ['[1]'],
  );
  assert.equal(outcomes.get('1'), 'stored');
  assert.match(outcomes.get('hello'), /not JSON/);
});

test('a sink that is closed tries nothing more', async () => {
  answers = [503, 503, 503];
  const { sink, write, done, outcomes } = opened();
  write('1');
  write('2');
  while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  await sink.close();
  await done();
  assert.equal(requests.length, 1);
  assert.deepEqual([...outcomes.values()], ['the sink was closed', 'the sink was closed']);
});
