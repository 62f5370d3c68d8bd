import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeCeiling, memoryCeiling } from '../../../src/config/index.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const pipeline = (text: string) => yaml({ pipelines: `pipelines: { p: { ${text} } }` });
const sink = (text: string) => pipeline(`source: { endpoint: rooms }, sink: ${text}`);

describe('what is wrong within a list of sources or a sink of sinks is found, with its place', () => {
  const cases: [title: string, text: string, path: string, expected: RegExp][] = [
    [
      'a sink that there is not',
      sink('{ route: [{ when: "${! json.a }", sink: { topick: { name: a } } }, { sink: drop }] }'),
      'pipelines.p.sink.route[0].sink',
      /there is no sink "topick"; .* did you mean "topic"/,
    ],
    [
      'a setting of an inner sink',
      sink('{ all: [{ topic: { name: a, kee: b } }, drop] }'),
      'pipelines.p.sink.all[0].topic.kee',
      /unknown key in pipelines\.p\.sink\.all\[0\]\.topic; did you mean "key"/,
    ],
    [
      'a topic that there cannot be',
      sink('{ route: [{ when: "${! json.a }", sink: { topic: { name: a } } }, { sink: { topic: { name: "a b" } } }] }'),
      'pipelines.p.sink.route[1].sink.topic.name',
      /"a b": a topic name is at most 249 letters/,
    ],
    [
      'a pattern that is an expression only within a group',
      pipeline('source: { topic: { names: [{ pattern: "a)|(b" }], group: g } }, sink: drop'),
      'pipelines.p.source.topic.names[0].pattern',
      /^invalid regular expression: \/a\)\|\(b\/u: Unmatched/,
    ],
    [
      'a topic that no message could name',
      sink('{ topic: { name: "a b/${! json.c }" } }'),
      'pipelines.p.sink.topic.name',
      /"a b\/\$\{! json\.c \}": a topic name is at most 249 letters/,
    ],
    [
      'a topic of Kafka itself',
      sink('{ all: [{ topic: { name: __consumer_offsets } }, drop] }'),
      'pipelines.p.sink.all[0].topic.name',
      /"__consumer_offsets": topics that begin with __ or _tidegate are those of brokers and gateways/,
    ],
    [
      'topics of gateways, whatever a message says',
      sink('{ topic: { name: "_tidegate.${! json.c }" } }'),
      'pipelines.p.sink.topic.name',
      /"_tidegate\.\$\{! json\.c \}": topics that begin with __ or _tidegate/,
    ],
    [
      'dead letters in a topic of gateways',
      pipeline('source: { endpoint: rooms }, sink: { topic: { name: a } }, on_error: { dead_letter: _tidegate.x }'),
      'pipelines.p.on_error.dead_letter',
      /nothing else is written to them/,
    ],
    [
      'names that the pattern of the source matches',
      pipeline('source: { topic: { names: ["a", "b.*"], group: g } }, sink: { topic: { name: "b.${! json.c }" } }'),
      'pipelines.p.sink.topic.name',
      /gives names that the pattern "b\.\*" of the source matches/,
    ],
    [
      'an expression within one of several forms',
      pipeline(
        'source: { topic: { names: [a], group: g } }, processors: [{ window: { tumbling: 1m, aggregate: { n: { sum: "${! json.( }" } } } }], sink: { topic: { name: c } }',
      ),
      'pipelines.p.processors[0].window.aggregate.n.sum',
      /json\.\( is not a JSONata expression/,
    ],
    [
      'a form that there is not, of several',
      pipeline(
        'source: { topic: { names: [a], group: g } }, processors: [{ window: { tumbling: 1m, aggregate: { n: { som: "${! json.a }" } } } }], sink: { topic: { name: c } }',
      ),
      'pipelines.p.processors[0].window.aggregate.n',
      /expected count, or one of count, sum/,
    ],
    [
      'an endpoint that there is not',
      sink('{ first: [{ topic: { name: a } }, { endpoint: room }] }'),
      'pipelines.p.sink.first[1].endpoint',
      /there is no endpoint "room"/,
    ],
    [
      'an entry behind one that takes everything',
      sink('{ route: [{ sink: drop }, { sink: drop }] }'),
      'pipelines.p.sink.route[0]',
      /takes every message, so the entries behind it get none/,
    ],
    [
      'an expression of an inner sink that has no value for some messages',
      sink('{ all: [{ topic: { name: a, key: "${! meta.cliend }" } }, drop] }'),
      'pipelines.p.sink.all[0].topic.key',
      /never has meta\.cliend/,
    ],
    [
      'an inner sink that every gateway would write to',
      pipeline('source: { topic: { names: [chat] } }, sink: { all: [{ endpoint: rooms }, { topic: { name: b } }] }'),
      'pipelines.p.sink.all[1]',
      /each of them would write each record here/,
    ],
    [
      'a group within a list that feeds clients',
      pipeline(
        'source: [{ topic: { names: [a] } }, { topic: { names: [b], group: g } }], sink: { route: [{ sink: { endpoint: rooms } }] }',
      ),
      'pipelines.p.source[1].topic',
      /the group would split the room/,
    ],
    [
      'a dead letter in a topic that an inner sink writes to',
      pipeline(
        'source: { endpoint: rooms }, sink: { first: [{ topic: { name: a } }, { topic: { name: b } }] }, on_error: { dead_letter: b }',
      ),
      'pipelines.p.on_error.dead_letter',
      /"b" is the topic that the sink writes to/,
    ],
    [
      'an endpoint twice in a list',
      pipeline('source: [{ endpoint: rooms }, { endpoint: rooms }], sink: drop'),
      'pipelines.p.source[1]',
      /is read by pipelines\.p already/,
    ],
    [
      'a group twice in a list',
      pipeline(
        'source: [{ topic: { names: [a], group: g } }, { topic: { names: [b], group: g } }], sink: { topic: { name: c } }',
      ),
      'pipelines.p.source[1].topic.group',
      /the group "g" is that of another source/,
    ],
    [
      'a window over several sources',
      pipeline(
        'source: [{ topic: { names: [a], group: g } }, { topic: { names: [b], group: h } }], processors: [{ window: { tumbling: 1m, aggregate: { n: count } } }], sink: { topic: { name: c } }',
      ),
      'pipelines.p.processors[0]',
      /belongs to one group, and this pipeline has 2 sources/,
    ],
    [
      'a mistake in a source of a list',
      pipeline('source: [{ endpoint: rooms }, { generate: { payload: x, interval: fast } }], sink: drop'),
      'pipelines.p.source[1].generate.interval',
      /"fast" is not a duration/,
    ],
    [
      'a regular expression that no linear engine has',
      pipeline('source: { topic: { names: [{ pattern: "(a)\\\\1" }], group: g } }, sink: { topic: { name: c } }'),
      'pipelines.p.source.topic.names[0].pattern',
      /cannot be used/,
    ],
    [
      'a name that no pattern can be',
      pipeline('source: { topic: { names: ["orders/*"], group: g } }, sink: { topic: { name: c } }'),
      'pipelines.p.source.topic.names[0]',
      /write \{ pattern: \.\.\. \} for a regular expression/,
    ],
  ];
  for (const [title, text, path, expected] of cases) {
    test(title, async () => {
      const problems = await problemsOf(text);
      const found =
        problems.find((problem) => problem.path === path) ??
        (await load(text).catch(() => undefined))?.warnings.find((one) => one.path === path);
      assert.ok(found, JSON.stringify(problems));
      assert.match(found.message, expected);
    });
  }
});

test('a broadcast may be dropped or printed, and clients of a routed endpoint count as fed', async () => {
  const { config, warnings } = await load(
    pipeline(
      'source: { topic: { names: [chat] } }, sink: { route: [{ when: "${! json.a }", sink: { endpoint: rooms } }, { sink: stdout }] }',
    ).replace('path: /ws, codec: envelope', 'path: /ws, codec: envelope, direction: out'),
  );
  assert.deepEqual(
    warnings.filter(({ severity }) => severity !== 'note'),
    [],
  );
  assert.ok(config.pipelines.p);
});

test('the ceiling counts the copies of all and the topics that messages name', async () => {
  const { config } = await load(
    pipeline(
      'source: { endpoint: rooms }, in_flight: { messages: 2048, bytes: 64MiB }, sink: { all: [{ topic: { name: "a-${! json.t }", topics: { max: 17 } } }, drop] }',
    ),
  );
  const ceiling = memoryCeiling(config);
  assert.equal(ceiling.sinks, 2 * 2_048 * 512 + 16 * 1_048_576);
  assert.match(describeCeiling(ceiling), /sinks 18 MiB/);
});
