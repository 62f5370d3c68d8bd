import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { loadConfig } from '../../../src/config/index.ts';
import { componentsIn } from '../../../src/config/schema/step-schema.ts';
import { load, problemsOf, yaml } from './fixture.ts';

const ORDERS = `
templates:
  orders:
    parameters:
      topic:
      count: { type: number, default: 7 }
      total: { type: any, default: 5 }
      kind: { default: k }
    pipeline:
      source: { endpoint: rooms }
      batch: { count: "\${param.count}" }
      processors:
        - filter: { keep: "\${! json.total > \${param.total} and json.kind = '\${param.kind}' }" }
      sink: { topic: { name: "\${param.topic}-\${SUFFIX:in}" } }
  checks:
    parameters: { keep: , why: { default: none } }
    processors:
      - filter: { keep: "\${param.keep}" }
      - try: [ { template: marked, with: { text: "\${param.why}!" } } ]
        catch: [ { log: { text: "\${param.why}" } } ]
  marked:
    parameters: { text: }
    processors: [ { headers: { set: { why: "\${param.text}" } } } ]
`;

const withPipelines = (pipelines: string) => yaml({ pipelines: `${ORDERS}pipelines:\n${pipelines}` });

async function pipelineOf(pipelines: string, env = {}) {
  const { config, warnings } = await load(withPipelines(pipelines), env);
  assert.deepEqual(warnings, []);
  return config.pipelines.a ?? assert.fail('there is no pipeline a');
}

const messagesOf = async (pipelines: string) =>
  (await problemsOf(withPipelines(pipelines))).map(
    ({ line, column, path, message }) => `${line}:${column} ${path}: ${message}`,
  );

suite('a template', () => {
  test('becomes a pipeline, with parameters, defaults and variables filled in', async () => {
    const { sink, batch, processors } = await pipelineOf('  a: { template: orders, with: { topic: b } }');
    assert.deepEqual((sink.config as { name: { text: string } }).name.text, 'b-in');
    assert.equal(batch.count, 7);
    const [{ chosen }] = componentsIn(processors, []) as unknown as [
      { chosen: { config: { keep: { text: string } } } },
    ];
    assert.equal(chosen.config.keep.text, "${! json.total > 5 and json.kind = 'k' }");
  });

  test('gives way to what is written beside it', async () => {
    const { sink, batch } = await pipelineOf('  a: { template: orders, with: { topic: b, count: "9" }, sink: drop }');
    assert.equal(sink.spec.name, 'drop');
    assert.equal(batch.count, 9);
  });

  test('takes its place among processors, those within try and catch as well', async () => {
    const { processors } = await pipelineOf(`
  a:
    source: { endpoint: rooms }
    processors:
      - template: checks
        with: { keep: "\${! json.a = 1 }" }
      - log
      - try: [ { template: marked, with: { text: b } }, { filter: { keep: "\${! json.c = 1 }" } } ]
    sink: drop`);
    assert.deepEqual(
      componentsIn(processors, ['p']).map(({ chosen, path }) => `${path.join('.')} ${chosen.spec.name}`),
      ['p.0 filter', 'p.1.try.0 headers', 'p.1.catch.0 log', 'p.2 log', 'p.3.try.0 headers', 'p.3.try.1 filter'],
    );
  });

  test('never makes an expression of what a parameter holds', async () => {
    const { processors } = await pipelineOf(
      `  a: { template: orders, with: { topic: b, kind: "x' or '1' = '1", total: "1 or true" } }`,
    );
    const [{ chosen }] = componentsIn(processors, []) as unknown as [
      { chosen: { config: { keep: { text: string } } } },
    ];
    assert.equal(
      chosen.config.keep.text,
      '${! json.total > "1 or true" and json.kind = \'x\\u0027 or \\u00271\\u0027 = \\u00271\' }',
    );
  });

  test('has its expressions evaluated, and nothing else that looks like one', async () => {
    const template =
      'templates: { t: { parameters: { a: , b: }, processors: [ { headers: { set: { a: "${param.a}", b: "${param.b}", c: "$${param.a}" } } } ] } }';
    const use = 'processors: [ { template: t, with: { a: "${! json.x }", b: "$${! json.x }" } } ]';
    const { config } = await load(
      yaml({ pipelines: `${template}\npipelines: { a: { source: { endpoint: rooms }, ${use}, sink: drop } }` }),
    );
    const [{ chosen }] = componentsIn(config.pipelines.a?.processors ?? [], []) as unknown as [
      { chosen: { config: { set: Record<string, { text: string; isConstant?: boolean }> } } },
    ];
    const { a, b, c } = chosen.config.set;
    assert.deepEqual([a?.text, b?.text, c?.text], ['${! json.x }', '${! json.x }', '${param.a}']);
    assert.notDeepEqual(a, b);
  });
});

suite('a mistake', () => {
  test('in a template names its line and where it is used, once however often that is', async () => {
    const messages = await messagesOf(
      '  a: { template: orders, with: { topic: "b c" } }\n  b: { template: orders, with: { topic: "b c" }, source: { topic: { names: [x] } }, broadcast: true }',
    );
    assert.deepEqual(messages.filter((line) => line.startsWith('18:')).length, 1);
    assert.match(
      messages[0] ?? '',
      /^18:30 pipelines\.a\.sink\.topic\.name: "b c-in": .*\(by the template orders, used at 29:8\)$/,
    );
  });

  test('in a use of a template says what there is', async () => {
    assert.deepEqual(await messagesOf('  a: { template: order }\n  b: { template: orders, with: { topc: b } }'), [
      '29:18 pipelines.a.template: there is no template "order"; there are orders, checks, marked; did you mean "orders"?',
      '30:18 pipelines.b.template: the template orders needs with: { topic: ... }',
      '30:34 pipelines.b.with.topc: the template orders has no parameter "topc"; there are topic, count, total, kind; did you mean "topic"?',
    ]);
  });

  test('of a kind or type is one at its place', async () => {
    assert.deepEqual(
      await messagesOf(
        '  a: { template: checks, with: { keep: x } }\n  b: { template: orders, with: { topic: [ b ], count: many } }\n  c: { source: { endpoint: rooms }, sink: drop, processors: [ { template: orders, on_error: skip } ] }',
      ),
      [
        '29:18 pipelines.a.template: the template checks has processors; use it as an entry of a list of them: - template: checks',
        '30:41 pipelines.b.with.topic: expected text for the parameter topic',
        '30:55 pipelines.b.with.count: expected a number for the parameter count',
        '31:75 pipelines.c.processors[0].template: the template orders has a pipeline; use it as one: pipelines: { NAME: { template: orders } }',
        '31:83 pipelines.c.processors[0].on_error: "on_error" has no place beside template; an entry that uses one has template and with',
      ],
    );
  });

  test('in a template that nothing uses is found where it can be', async () => {
    const problems = await problemsOf(
      yaml({
        more: 'templates: { t: { parameters: { topic: }, processors: [ { log: { text: "${param.topik}" } } ] }, u: { processor: [] }, v: { processors: [ { template: v } ] } }',
      }),
    );
    assert.deepEqual(
      problems.map(({ path, message }) => `${path}: ${message}`),
      [
        'templates.t.processors[0].log.text: the template has no parameter "topik"; there is topic; did you mean "topic"?',
        'templates.u: a template has either pipeline or processors',
        'templates.u.processor: unknown key in templates.u; did you mean "processors"?',
      ],
    );
  });

  test('is a template that uses itself, and a parameter outside of templates', async () => {
    const problems = await problemsOf(
      yaml({
        more: 'templates: { t: { processors: [ { template: u } ] }, u: { processors: [ { template: t } ] } }',
        pipelines:
          'pipelines: { a: { source: { endpoint: rooms }, processors: [ { template: t }, { log: { text: "${param.x}" } } ], sink: drop } }',
      }),
    );
    assert.deepEqual(
      problems.map(({ path, message }) => `${path}: ${message}`),
      [
        'pipelines.a.processors[1].log.text: "${param.x}": parameters are filled in in templates only',
        'templates.u.processors[0].template: this is a circle: t uses u uses t',
      ],
    );
  });

  test('behind a template in a list keeps its own place', async () => {
    const [message = ''] = await messagesOf(
      '  a: { source: { endpoint: rooms }, processors: [ { template: checks, with: { keep: "${! json.a = 1 }" } }, { lg: {} } ], sink: drop }',
    );
    assert.match(message, /^29:109 pipelines\.a\.processors\[2\]: there is no processor "lg"/);
  });

  test('is a parameter that the template never uses: a warning', async () => {
    const { warnings } = await load(
      withPipelines('  a: { template: orders, with: { topic: b } }').replace(
        '      topic:\n',
        '      topic:\n      unused: { default: 1 }\n',
      ),
    );
    assert.deepEqual(
      warnings.map(({ severity, path }) => [severity, path]),
      [['warning', 'templates.orders.parameters.unused']],
    );
  });

  test('is too much that templates make of each other', async () => {
    const templates = Array.from({ length: 40 }, (_, index) => {
      const inner = index === 0 ? 'log' : `{ template: t${index - 1} }`;
      return `t${index}: { processors: [ ${inner}, ${inner} ] }`;
    });
    const problems = await problemsOf(
      yaml({
        more: `templates: { ${templates.join(', ')} }`,
        pipelines: 'pipelines: { a: { source: { endpoint: rooms }, processors: [ { template: t39 } ], sink: drop } }',
      }),
    );
    assert.ok(problems.some(({ message }) => message.includes('templates make more than 250000 values')));
  });
});

test('a template of another file is named with that file', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'tidegate-templates-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(
    join(folder, 'gateway.yaml'),
    `include: [ templates.yaml ]\n${yaml({ pipelines: 'pipelines:\n  a: { template: t }' })}`,
  );
  await writeFile(
    join(folder, 'templates.yaml'),
    'templates:\n  t: { pipeline: { source: { endpoint: rooms }, sink: { topik: { name: a } } } }\n',
  );
  await assert.rejects(loadConfig(join(folder, 'gateway.yaml'), { env: {}, production: null }), (error: Error) => {
    assert.match(
      error.message.replaceAll(`${folder}/`, ''),
      /^templates\.yaml:2:55 {2}pipelines\.a\.sink {2}there is no sink "topik".*\(by the template t, used at gateway\.yaml:7:8\)$/,
    );
    return true;
  });
});
