import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';
import { ProtocolErrors } from '../../../src/actors/endpoint/protocol-errors.ts';
import { FailureLog } from '../../../src/actors/pipeline/failure-log.ts';
import { TidegateError } from '../../../src/core/errors.ts';
import { Message } from '../../../src/core/message.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';
import { HandClock } from '../core/hand-clock.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../../' : '../../../', import.meta.url));
const read = (name: string) => readFileSync(join(ROOT, 'observability', name), 'utf8');

interface SavedObject {
  readonly type: string;
  readonly id: string;
  readonly attributes: {
    readonly title: string;
    readonly columns?: readonly string[];
    readonly kibanaSavedObjectMeta?: { readonly searchSourceJSON: string };
  };
  readonly references: readonly { readonly id: string }[];
}

/** The names of real lines. */
function fieldsOfLines(format: string): Set<string> {
  return new Set(linesOf(format).flatMap((line) => Object.keys(line)));
}

function timeOfLine(key: string): string {
  return String(linesOf('ecs')[0]?.[key]);
}

/** Real lines: of a message that failed, of one that was skipped, of a client that broke the protocol, and of other errors. */
function linesOf(format: string): Record<string, unknown>[] {
  let text = '';
  const destination = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const root = createLogger({ level: 'info', format, destination });
  const [pipeline, endpoint] = [
    { scope: 'pipeline', pipeline: 'in' },
    { scope: 'endpoint', endpoint: 'e' },
  ];
  const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const origin = { topic: 't', partition: 0, offset: 1, meta: { client_id: 'c' }, trace };
  const failure = new TidegateError('TG_PROCESSOR_FAILED', 'no', new Error('thrown'));
  const clock = new HandClock();
  new FailureLog(root.child(pipeline), clock).add(new Message(Buffer.from('x'), origin), failure);
  new ProtocolErrors('e', clock, root.child(endpoint)).add({ client_id: 'c', remote: '::1' }, 1002, 'no mask');
  root.child({ scope: 'log' }).error({ error: new TidegateError('TG_LOG_UNAVAILABLE', 'away') }, 'the log is away');
  root.error({ error: new Error('other') }, 'something failed');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

const saved = read('elastic/kibana.ndjson')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as SavedObject);

test('saved searches of Kibana show and ask for fields that lines have', () => {
  const known = fieldsOfLines('ecs');
  const searches = saved.filter(({ type }) => type === 'search');
  assert.equal(searches.length, 4);
  for (const { id, attributes } of searches) {
    const source = JSON.parse(attributes.kibanaSavedObjectMeta?.searchSourceJSON ?? '{}') as {
      query: { query: string };
    };
    const asked = [...source.query.query.matchAll(/([\w.@]+) : /g)].map(([, name = '']) => name);
    assert.ok(asked.length > 0, id);
    for (const name of [...(attributes.columns ?? []), ...asked]) assert.ok(known.has(name), `${id}: ${name}`);
  }
});

test('the saved search for messages that failed finds the line of such a message, with all its columns', () => {
  const { attributes } = saved.find(({ id }) => id === 'tidegate-failed-messages') as SavedObject;
  const { query } = JSON.parse(attributes.kibanaSavedObjectMeta?.searchSourceJSON ?? '{}') as {
    query: { query: string };
  };
  assert.equal(query.query, 'error.code : TG_* and tidegate.pipeline : *');
  const [line, ...others] = linesOf('ecs').filter((one) => 'tidegate.pipeline' in one);
  assert.deepEqual(others, []);
  assert.equal(line?.['error.code'], 'TG_PROCESSOR_FAILED');
  assert.match(String(line?.['error.stack_trace']), /^Error: thrown\n/);
  for (const column of attributes.columns ?? []) assert.ok(column in (line ?? {}), column);
});

test('no field has numbers in one line and text in another, which Elasticsearch would refuse', () => {
  const types = new Map<string, string>();
  for (const [name, value] of linesOf('ecs').flatMap((line) => Object.entries(line))) {
    assert.equal(types.get(name) ?? typeof value, typeof value, name);
    types.set(name, typeof value);
  }
  assert.equal(types.get('tidegate.code'), 'number');
  const { template } = JSON.parse(read('elastic/index-template.json')) as {
    template: { settings: { mapping: { ignore_malformed: boolean } } };
  };
  // Plugins log facts of their own: one field is left out then, and not the line.
  assert.equal(template.settings.mapping.ignore_malformed, true);
});

test('every saved search looks at the data view, and the data view at the index that Logstash writes', () => {
  const view = saved.find(({ type }) => type === 'index-pattern');
  assert.equal(view?.attributes.title, 'tidegate-logs-*');
  for (const { type, references } of saved)
    if (type === 'search')
      assert.deepEqual(
        references.map(({ id }) => id),
        [view?.id],
      );
  assert.match(read('elastic/logstash.conf'), /index => "tidegate-logs-%\{/);
  const template = JSON.parse(read('elastic/index-template.json')) as { index_patterns: string[] };
  assert.deepEqual(template.index_patterns, ['tidegate-logs-*']);
});

test('the index has a type for every field of ECS that lines have', () => {
  const { template } = JSON.parse(read('elastic/index-template.json')) as {
    template: { mappings: { properties: Tree } };
  };
  for (const name of fieldsOfLines('ecs')) {
    if (name.startsWith('tidegate.')) continue;
    const leaf = name
      .split('.')
      .reduce<Tree | undefined>(
        (tree, part) => (tree?.properties ?? tree)?.[part] as Tree,
        template.mappings.properties,
      );
    assert.equal(typeof leaf?.type, 'string', name);
  }
});

test('Logstash and Vector rename the names that lines of LOG_FORMAT=json have', () => {
  const known = fieldsOfLines('json');
  const logstash = [...read('elastic/logstash.conf').matchAll(/\[@metadata\]\[line\]\[(\w+)\]/g)].map(
    ([, name = '']) => name,
  );
  const vector = [...read('logs/vector.yaml').matchAll(/del\(\.(\w+)\)/g)].map(([, name = '']) => name);
  assert.ok(logstash.length > 8 && vector.length > 3);
  for (const name of [...logstash, ...vector]) assert.ok(known.has(name), name);
});

test('Logstash and Vector give lines of LOG_FORMAT=json the names that lines of LOG_FORMAT=ecs have', () => {
  const known = fieldsOfLines('ecs');
  const logstash = [...read('elastic/logstash.conf').matchAll(/\]" => "(\[.*\])"/g)].map(([, name = '']) =>
    name.slice(1, -1).replaceAll('][', '.'),
  );
  const vector = [...read('logs/vector.yaml').matchAll(/\."?([\w.@]+)"? = del/g)].map(([, name = '']) => name);
  assert.ok(logstash.length > 8 && vector.length > 8);
  for (const name of [...logstash, ...vector]) assert.ok(known.has(name), name);
});

test('Fluent Bit takes the time of a line by its name and form, and leaves @timestamp to its output', () => {
  const { parsers, pipeline } = parse(read('logs/fluent-bit.yaml')) as {
    parsers: { name: string; time_key: string; time_format: string; time_keep: boolean }[];
    pipeline: { inputs: { parser: string; tag: string }[]; outputs: { match: string; logstash_prefix: string }[] };
  };
  const [parser] = parsers;
  const time = parser?.time_format
    .replace(/%[YmdHMSL]/g, (part) => (part === '%Y' ? '\\d{4}' : part === '%L' ? '\\d{3}' : '\\d{2}'))
    .replace('.', '\\.');
  assert.match(timeOfLine(parser?.time_key ?? ''), new RegExp(`^${time}$`));
  assert.equal(parser?.time_keep, false);
  assert.equal(pipeline.inputs[0]?.parser, parser?.name);
  assert.equal(pipeline.outputs[0]?.match, pipeline.inputs[0]?.tag);
  const { index_patterns: patterns } = JSON.parse(read('elastic/index-template.json')) as { index_patterns: string[] };
  assert.equal(`${pipeline.outputs[0]?.logstash_prefix}-*`, patterns[0]);
});

test('Filebeat takes each line as JSON, and its dots as objects', () => {
  const filebeat = parse(read('elastic/filebeat.yml')) as {
    'setup.ilm.enabled': boolean;
    'filebeat.inputs': { parsers: { ndjson?: Record<string, unknown> }[] }[];
    'filebeat.autodiscover': {
      providers: { templates: { config: { parsers: { ndjson?: Record<string, unknown> }[] }[] }[] }[];
    };
  };
  const inputs = [
    ...filebeat['filebeat.inputs'],
    ...filebeat['filebeat.autodiscover'].providers.flatMap(({ templates }) =>
      templates.flatMap(({ config }) => config),
    ),
  ];
  assert.equal(inputs.length, 2);
  // With it Filebeat would ignore the name of the index.
  assert.equal(filebeat['setup.ilm.enabled'], false);
  for (const { parsers } of inputs) {
    const ndjson = parsers.find((one) => one.ndjson !== undefined)?.ndjson;
    assert.deepEqual([ndjson?.target, ndjson?.expand_keys], ['', true]);
  }
});

interface Tree {
  readonly [name: string]: Tree | string | undefined;
  readonly type?: string;
  readonly properties?: Tree;
}
