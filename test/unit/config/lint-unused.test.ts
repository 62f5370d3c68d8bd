import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';

const FED = {
  log: { driver: 'embedded', topics: {} },
  listeners: { public: { port: 9090 } },
  endpoints: { rooms: { listener: 'public', path: '/ws', codec: 'json' } },
  pipelines: {
    in: { source: { endpoint: 'rooms' }, sink: { topic: { name: 'chat' } } },
    out: { source: { topic: { names: ['chat'] } }, sink: { endpoint: 'rooms' } },
  },
};

async function doubts(changes: object, advice = true): Promise<string[]> {
  const { warnings } = await loadConfig({ ...FED, ...changes }, { env: {}, production: null, advice });
  return warnings.filter(({ severity }) => severity === 'warning').map(({ path, message }) => `${path}: ${message}`);
}

const topics = (...names: string[]) => ({
  driver: 'embedded',
  topics: Object.fromEntries(names.map((name) => [name, {}])),
});
const UNUSED = 'nothing in this file reads or writes this topic; leave it out, or name it where it is meant to be used';

test('a topic that nothing reads or writes is a doubt of the check, not of a start', async () => {
  const log = topics('chat', 'spare');
  assert.deepEqual(await doubts({ log }), [`log.topics.spare: ${UNUSED}`]);
  assert.deepEqual(await doubts({ log }, false), []);
});

test('a topic is used by dead letters, tables, patterns, names of messages, and each of several sources', async () => {
  const pipelines = {
    ...FED.pipelines,
    others: {
      source: [
        { topic: { names: ['a'], group: 'g' } },
        { topic: { names: ['metrics-*'], from: 'latest', group: 'h' } },
      ],
      processors: [{ lookup: { key: '${! key }', topic: { name: 'prices' }, into: 'p' } }],
      sink: { all: [{ topic: { name: 'b' } }, { topic: { name: 'by.${! json.kind }.x' } }] },
      on_error: { dead_letter: 'a.dlt' },
    },
  };
  const used = topics('a', 'metrics-1', 'prices', 'b', 'by.kind.x', 'a.dlt');
  assert.deepEqual(await doubts({ pipelines, log: used }), []);
  const near = topics('metric', 'by.kind.y', 'byXkind.x');
  assert.deepEqual(
    await doubts({ pipelines, log: near }),
    ['metric', 'by.kind.y', 'byXkind.x'].map((name) => `log.topics.${name}: ${UNUSED}`),
  );
});

test('clients that choose topics themselves use those that they may read, write or create', async () => {
  const allow = { read: ['public-*'], write: ['orders.${! auth.tenant }.in'], create: ['mine'] };
  const endpoints = {
    ...FED.endpoints,
    topics: { listener: 'public', path: '/t', codec: 'topics', allow, auth: 'users' },
  };
  const auth = { users: { basic: { ada: 'for-trials-only' } } };
  assert.deepEqual(await doubts({ auth, endpoints, log: topics('public-1', 'orders.a.in', 'mine', 'private') }), [
    `log.topics.private: ${UNUSED}`,
  ]);
});

test('where connectors may be added, any topic may be meant for one', async () => {
  assert.deepEqual(await doubts({ connect: {}, log: topics('spare') }), []);
});

test('an endpoint that clients only listen to, or meet in, needs a pipeline to it', async () => {
  const prices = { listener: 'public', path: '/prices', codec: 'json', direction: 'out' };
  const room = { listener: 'public', path: '/room', codec: 'rooms', presence: { topic: 'room' } };
  const { out, ...pipelines } = FED.pipelines;
  const more = { 'room-in': { source: { endpoint: 'room' }, sink: { topic: { name: 'room' } } } };
  assert.deepEqual(await doubts({ endpoints: FED.endpoints, pipelines }), []);
  assert.deepEqual(
    await doubts({ endpoints: { ...FED.endpoints, prices, room }, pipelines: { ...pipelines, ...more } }),
    [
      'endpoints.prices: its clients only receive, and no pipeline brings them records; add one with sink: { endpoint: prices }',
      'endpoints.room: no pipeline brings its clients what the others say; add one that reads the topic of the room, with sink: { endpoint: room }',
    ],
  );
});

test('an entry of auth that nothing names is a doubt', async () => {
  const basic = { ada: 'for-trials-only' };
  const auth = { users: { basic }, operators: { basic }, connectors: { basic }, spare: { basic } };
  const endpoints = { rooms: { ...FED.endpoints.rooms, auth: 'users' } };
  const ports = { admin: { auth: 'operators' }, connect: { auth: 'connectors' } };
  assert.deepEqual(await doubts({ auth, endpoints, ...ports }), [
    'auth.spare: no endpoint and no port uses this entry; name it in auth of an endpoint, of admin or of connect',
  ]);
});
