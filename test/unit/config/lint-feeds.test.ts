import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, yaml } from './fixture.ts';

/** What lint says of the sink of a pipeline from the topic `prices` to channels of `rooms`, which are kept. */
async function found(pipeline: string, { channels = '{ history: {} }', partitions = '3', more = '' } = {}) {
  const text = yaml({
    log: `log: { driver: embedded, topics: { prices: { partitions: ${partitions} }, other: {} } }`,
    endpoints: `endpoints:\n  rooms: { listener: public, path: /ws, codec: json, direction: out, channels: ${channels} }`,
    pipelines: `pipelines:\n  out: { ${pipeline} }\n${more}`,
  });
  const { warnings } = await load(text);
  return warnings
    .filter(({ message }) => message.includes('no positions'))
    .map(({ severity, path, message }) => `${severity} ${path} ${message}`);
}

const SOURCE = 'source: { topic: { names: [ prices ] } }';
const BY_KEY = 'sink: { endpoint: { name: rooms, channel: "s.${! key }" } }';
const BY_FIELD = 'sink: { endpoint: { name: rooms, channel: "s.${! json.symbol }" } }';

test('names around the key of the record have positions, and any name where the topic has one partition', async () => {
  assert.deepEqual(await found(`${SOURCE}, ${BY_KEY}`), []);
  assert.deepEqual(await found(`${SOURCE}, ${BY_FIELD}`, { partitions: '1' }), []);
  const processors = 'processors: [ { filter: { keep: "${! json.ok }" } }, { map: { json: "${! json.x }" } } ]';
  assert.deepEqual(await found(`${SOURCE}, ${processors}, ${BY_KEY}`), []);
});

test('nothing is said where channels keep nothing', async () => {
  assert.deepEqual(await found(`${SOURCE}, ${BY_FIELD}`, { channels: '{}' }), []);
});

for (const [what, pipeline, pattern] of [
  [
    'a name without the key',
    `${SOURCE}, ${BY_FIELD}`,
    /prices has 3 partitions; only a name of text around \$\{! key \}/,
  ],
  [
    'a key that a processor sets',
    `${SOURCE}, processors: [ { map: { key: "\${! json.k }" } } ], ${BY_KEY}`,
    /prices has 3 partitions/,
  ],
  ['several topics', `source: { topic: { names: [ prices, other ] } }, ${BY_KEY}`, /has to read one topic by its name/],
  ['a pattern', `source: { topic: { names: [ "pri*" ] } }, ${BY_KEY}`, /has to read one topic by its name/],
  [
    'two sources',
    `source: [ { topic: { names: [ prices ] } }, { topic: { names: [ other ] } } ], ${BY_KEY}`,
    /no other source/,
  ],
  [
    'an operator',
    `${SOURCE}, processors: [ { dedupe: { by: "\${! key }" } } ], ${BY_KEY}`,
    /dedupe makes something else than one record of each/,
  ],
  [
    'a split within try',
    `${SOURCE}, processors: [ { try: [ { split: { lines: true } } ] } ], ${BY_KEY}`,
    /split makes something else/,
  ],
  [
    'a sink within another',
    `${SOURCE}, sink: { all: [ { endpoint: { name: rooms, channel: "s.\${! key }" } }, { topic: { name: other } } ] }, broadcast: true`,
    /this sink is within another one/,
  ],
] as const)
  test(`${what} has no positions, and lint says why`, async () => {
    const all = await found(pipeline, { channels: '{ recover: {} }' });
    assert.equal(all.length, 1, all.join('\n'));
    assert.match(
      all[0] ?? '',
      /^warning pipelines\.out\.sink\..*channel these records have no positions, so clients that come back/,
    );
    assert.match(all[0] ?? '', pattern);
  });

test('two pipelines that may give one name both have no positions', async () => {
  const more = `  more: { ${SOURCE}, sink: { endpoint: { name: rooms, channel: "s.a\${! key }" } } }`;
  const all = await found(`${SOURCE}, ${BY_KEY}`, { more });
  assert.deepEqual(
    all.map((line) => /pipelines\.\w+ may send/.exec(line)?.[0]),
    ['pipelines.more may send', 'pipelines.out may send'],
  );
});

test('where the number of partitions is not known, a note says what it has to be', async () => {
  const all = await found(`source: { topic: { names: [ other ] } }, ${BY_FIELD}`);
  assert.equal(all.length, 1);
  assert.match(all[0] ?? '', /^note .* unless other has one partition, these records have no positions/);
});
