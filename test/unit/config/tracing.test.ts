import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { formatProblem } from '../../../src/config/index.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const tracing = (text: string) => yaml({ tracing: `tracing: { ${text} }` });
const complaints = async (text: string) =>
  (await problemsOf(tracing(text))).map(({ path, message }) => `${path} ${message}`);

test('propagators are w3c alone where they are left out, and are kept in their order', async () => {
  assert.deepEqual((await load(yaml())).config.tracing.propagators, ['w3c']);
  const { config } = await load(tracing('propagators: [jaeger, w3c, b3], baggage: true'));
  assert.deepEqual([config.tracing.propagators, config.tracing.baggage], [['jaeger', 'w3c', 'b3'], true]);
});

test('propagators that are unknown, listed twice or none are mistakes, and so is baggage by b3 alone', async () => {
  assert.deepEqual(await complaints('propagators: [w3c, jager]'), [
    'tracing.propagators[1] expected one of w3c, b3, jaeger, but this is "jager"; did you mean "jaeger"?',
  ]);
  assert.deepEqual(await complaints('propagators: [b3, w3c, b3]'), ['tracing.propagators[2] b3 is listed twice']);
  assert.deepEqual(await complaints('propagators: []'), [
    'tracing.propagators expected at least one of w3c, b3 and jaeger',
  ]);
  assert.deepEqual(await complaints('propagators: [b3], baggage: true'), [
    'tracing.baggage b3 has no headers for baggage; add w3c or jaeger to tracing.propagators',
  ]);
});

describe('a sampler is refused with the line to write in its place', () => {
  const ALL = 'write sample: 1, and max_per_second where 100 a second are too few';
  const REMOTE = /a sampler that a server sets is not supported, .*; write sample with the share/;
  const cases: [sampler: string, expected: string | RegExp][] = [
    ['sampler: { type: const, param: 1 }', ALL],
    ['sampler: { type: const, param: 0 }', 'write sample: 0'],
    ['sampler: { type: probabilistic, param: 0.25 }', 'write sample: 0.25'],
    ['sampler: { type: probabilistic, param: 25 }', /^write sample, the share/],
    ['sampler: { type: ratelimiting, param: 10 }', 'write sample: 1 and max_per_second: 10'],
    ['sampler: { type: "rate limiting", param: "2.5" }', 'write sample: 1 and max_per_second: 3 (a whole number)'],
    ['sampler: { type: rate_limiting }', 'write sample: 1 and max_per_second, the most traces a second'],
    ['sampler: { type: remote, param: 1 }', REMOTE],
    ['sampler: parentbased_jaeger_remote', REMOTE],
    ['sampler: parentbased_always_on', ALL],
    ['sampler: always_off', 'write sample: 0'],
    ['sampler: { type: const, param: false }', 'write sample: 0'],
    [
      'sampler: { sampler.type: ratelimiting, sampler.param: 2.5 }',
      'write sample: 1 and max_per_second: 3 (a whole number)',
    ],
    ['sampler: { type: probabilistic, arg: 0.2 }', 'write sample: 0.2'],
    ['sampler: { const: 1 }', ALL],
    ['sampler: { probabilistic: 0.5 }', 'write sample: 0.5'],
    ['sampler: { type: own }', /write sample, the share .* and max_per_second/],
    ['sampler:', /write sample, the share .* and max_per_second/],
  ];
  for (const [sampler, expected] of cases)
    test(sampler, async () => {
      const [complaint = '', ...more] = await complaints(sampler);
      assert.deepEqual(more, []);
      const message = complaint.replace('tracing.sampler unknown key in tracing; ', '');
      if (typeof expected === 'string') assert.equal(message, expected);
      else assert.match(message, expected);
    });

  test("S5's two keys", async () => {
    assert.deepEqual(await complaints('sampler.type: probabilistic, sampler.param: 0.5'), [
      'tracing.sampler.type unknown key in tracing; write sample: 0.5',
      'tracing.sampler.param unknown key in tracing; it goes with the type of a sampler, which there is none of here',
    ]);
  });

  test('keys that are spelled otherwise', async () => {
    assert.deepEqual(await complaints('sampling: { type: const, param: "true" }'), [
      `tracing.sampling unknown key in tracing; ${ALL}`,
    ]);
    assert.deepEqual(await complaints('sampler: parentbased_traceidratio, sampler_arg: 0.2'), [
      'tracing.sampler unknown key in tracing; write sample: 0.2',
      'tracing.sampler_arg unknown key in tracing; it goes with the type of a sampler, which there is none of here',
    ]);
    assert.deepEqual(await complaints('sampling_rate: 0.1'), [
      'tracing.sampling_rate unknown key in tracing; write sample: 0.1',
    ]);
  });

  test('a key like it elsewhere is an unknown key like any other', async () => {
    const [problem] = await problemsOf(yaml({ admin: 'admin: { sampler: 1 }' }));
    assert.match(problem?.message ?? '', /^unknown key in admin; there are /);
  });
});

test("S5's other keys of traces are refused with the line to write in their place, also in a group", async () => {
  const refused = async (text: string) =>
    (await complaints(text)).map((line) => line.replace(/^tracing\.(\S+) unknown key in tracing; /, '$1: '));
  const ENDPOINT = 'spans go over HTTP; write endpoint: http://jaeger.local:14268/api/traces';
  assert.deepEqual(await refused('enabled: true, name: jaeger'), [
    'enabled: traces are on where there is an endpoint',
    'name: write exporter: jaeger',
  ]);
  assert.deepEqual(await refused('enabled: false'), ['enabled: write exporter: none']);
  assert.deepEqual(await refused('reporter.hostname: jaeger.local, reporter.port: 5775, reporter.log.spans: true'), [
    `reporter.hostname: ${ENDPOINT}`,
    'reporter.port: spans go over HTTP, to port 14268 of the endpoint, and not over UDP to an agent',
    'reporter.log.spans: write exporter: console to see spans in place of sending them',
  ]);
  assert.deepEqual(await refused('reporter.flush.interval.ms: 2000, reporter.max.buffer.spans: 1000'), [
    'reporter.flush.interval.ms: it is fixed: every second, at most 8,192 spans',
    'reporter.max.buffer.spans: it is fixed: every second, at most 8,192 spans',
  ]);
  assert.deepEqual(await refused('jaeger: { reporter: { hostname: jaeger.local }, sampler.type: const }'), [
    `jaeger: its settings are directly under tracing (reporter: its settings are directly under tracing (reporter.hostname: ${ENDPOINT}); ` +
      'sampler.type: write sample: 1, and max_per_second where 100 a second are too few)',
  ]);
  assert.match((await refused('name: gateway'))[0] ?? '', /^name: there are exporter, /);
});

test('variables that set propagators or an agent elsewhere are a warning if they would change something', async () => {
  const on = 'endpoint: "http://localhost:14268/api/traces"';
  const warned = async (text: string, env: Record<string, string>) =>
    (await load(tracing(text), env)).warnings.map(formatProblem).map((line) => line.replace(/^\S+ {2}/, ''));
  const otel = { OTEL_PROPAGATORS: 'tracecontext,baggage, b3multi' };
  assert.deepEqual(await warned(on, otel), [
    'tracing.propagators  warning: OTEL_PROPAGATORS is tracecontext,baggage, b3multi, which is not read here; under tracing, write propagators: [w3c, b3]',
  ]);
  assert.deepEqual(await warned(on, { JAEGER_PROPAGATION: 'jaeger' }), [
    'tracing.propagators  warning: JAEGER_PROPAGATION is jaeger, which is not read here; under tracing, write propagators: [jaeger]',
  ]);
  assert.deepEqual(await warned(`${on}, propagators: [b3, w3c]`, otel), []);
  assert.deepEqual(await warned(on, { OTEL_PROPAGATORS: 'tracecontext,baggage' }), []);
  assert.deepEqual(await warned('endpoint: ""', { JAEGER_AGENT_HOST: 'jaeger', ...otel }), [
    'tracing.endpoint  warning: JAEGER_AGENT_HOST is jaeger, which is not read here: spans go over HTTP, and traces are off without endpoint: http://jaeger:14268/api/traces',
  ]);
  const read = { JAEGER_AGENT_HOST: 'jaeger' };
  assert.deepEqual(await warned('endpoint: "http://${JAEGER_AGENT_HOST}:14268"', read), []);
  assert.deepEqual(await warned('exporter: none', read), []);
});

test('variables that set a sampler elsewhere are a warning where they are not read and traces are on', async () => {
  const on = 'endpoint: "http://localhost:14268/api/traces"';
  const warned = async (text: string, env: Record<string, string>) =>
    (await load(tracing(text), env)).warnings.map(formatProblem).map((line) => line.replace(/^\S+ {2}/, ''));
  const jaeger = { JAEGER_SAMPLER_TYPE: 'ratelimiting', JAEGER_SAMPLER_PARAM: '5' };
  assert.deepEqual(await warned(on, jaeger), [
    'tracing.sample  warning: JAEGER_SAMPLER_TYPE is ratelimiting, which is not read here; under tracing, write sample: 1 and max_per_second: 5',
  ]);
  assert.deepEqual(await warned(on, { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' }), [
    'tracing.sample  warning: OTEL_TRACES_SAMPLER is traceidratio, which is not read here; under tracing, write sample: 0.1',
  ]);
  assert.deepEqual(
    await warned(`${on}, sample: "\${JAEGER_SAMPLER_PARAM}"`, { ...jaeger, JAEGER_SAMPLER_PARAM: '1' }),
    [],
  );
  assert.deepEqual(await warned('endpoint: ""', jaeger), []);
  assert.deepEqual(await warned(`${on}, sample: 1, max_per_second: 5`, jaeger), [], 'it is so already');
  assert.equal((await warned(`${on}, sample: 1`, jaeger)).length, 1);
  const all = { JAEGER_SAMPLER_TYPE: 'const', JAEGER_SAMPLER_PARAM: '1' };
  assert.deepEqual(await warned(`${on}, sample: 1`, all), []);
  assert.equal((await warned(on, all)).length, 1);
  const share = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.25' };
  assert.deepEqual(await warned(`${on}, sample: 0.25`, share), []);
  assert.equal((await warned(`${on}, sample: 0`, share)).length, 1);
  assert.deepEqual(await warned(`${on}, exporter: none`, jaeger), []);
  assert.deepEqual(await warned(on, { JAEGER_SAMPLER_TYPE: '' }), []);
});
