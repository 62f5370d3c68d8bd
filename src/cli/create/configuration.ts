import { stringify } from 'yaml';
import { ConfigError, loadConfig } from '../../config/index.ts';
import { TidegateError } from '../../core/errors.ts';
import type { OperatorSpec, ProcessorSpec, SinkSpec, SourceSpec } from '../../sdk/define.ts';
import { exampleConfig } from '../../sdk/example.ts';
import { plainText } from '../terminal-text.ts';
import { type NamedFlow, parseFlow, REGISTRY } from './flow.ts';

type Step = ProcessorSpec | OperatorSpec;

/** An entry of `pipelines`, as it is written, and what is said of it. */
interface Draft {
  readonly name: string;
  readonly comment: string;
  readonly source: readonly (readonly [SourceSpec, unknown])[];
  readonly steps: readonly (readonly [Step, unknown])[];
  readonly sink: readonly [SinkSpec, unknown];
}

/** Of clients, of the topics at both ends, and of those between two pipelines. */
const ENDPOINT = 'clients';
const TOPICS = { in: 'input', out: 'output', received: 'received', results: 'results' };

/** Prints a whole configuration for a flow such as `websocket->filter->topic`. Resolves with the exit code. */
export async function createConfig(text: string): Promise<number> {
  process.stdout.write(await configOf(text));
  return 0;
}

/** YAML of a configuration that passes `lint --strict`. Throws TG_CONFIG_INVALID for words that are unknown, or do not go together. */
export async function configOf(text: string): Promise<string> {
  const flow = parseFlow(text);
  const steps: Draft['steps'][number][] = [];
  for (const step of flow.steps) steps.push([step, await exampleFor(step)]);
  const yaml = written(text, draftsOf(flow, steps));
  const mistakes = await mistakesIn(yaml);
  if (mistakes.length === 0) return yaml;
  throw new TidegateError('TG_CONFIG_INVALID', `"${text}" cannot be: ${mistakes.join('; ')}`);
}

/** The first example of a component that needs nothing from elsewhere and can be used by itself. */
async function exampleFor(step: Step): Promise<unknown> {
  const examples = step.examples.map((example) => exampleConfig<unknown>(example));
  const plain = examples.filter((example) => !/"(?:\w+_)?file"/.test(JSON.stringify(example)));
  const [topic] = parseFlow('topic->topic').sources;
  for (const example of plain) {
    const flow = { sources: topic === undefined ? [] : [topic], steps: [step], sink: parseFlow('topic->drop').sink };
    if ((await mistakesIn(written('', draftsOf(flow, [[step, example]])))).length === 0) return example;
  }
  return plain[0] ?? {};
}

async function mistakesIn(text: string): Promise<string[]> {
  try {
    const options = { registry: REGISTRY, env: {}, production: null, strict: true, advice: true };
    const { warnings } = await loadConfig({ text, name: 'gateway.yaml' }, options);
    return warnings.filter(({ severity }) => severity === 'warning').map(({ message }) => message);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(({ message }) => message);
    throw error;
  }
}

/**
 * One pipeline, or several with topics between them: what keeps messages reads topics, so that its state is rebuilt after
 * a restart, and clients are fed from a topic without a group, so that all gateways have all records.
 */
function draftsOf({ sources, steps, sink }: NamedFlow, configured: Draft['steps']): Draft[] {
  const joined = configured.flatMap(([step, config]) =>
    step.kind === 'operator' ? (step.joins?.(step.config.parse(config)) ?? []).map(({ topic }) => topic) : [],
  );
  const reads = sources.every(({ name }) => name === 'topic');
  const keeps = steps.some(
    (step) => step.kind === 'operator' && (step.stateful || step.needsGroup === true || step.needsTopic === true),
  );
  const grouped = steps.some((step) => step.kind === 'operator' && (step.stateful || step.needsGroup === true));
  const isFirst = keeps && !reads;
  const isLast = sink.reaches === 'clients' && (grouped || joined.length > 0) && sink.name === 'endpoint';
  const entry = isFirst ? (joined[0] ?? TOPICS.received) : TOPICS.in;
  const topics = joined.length > 0 ? joined : reads ? topicNames(sources.length) : [entry];
  const drafts: Draft[] = [];
  if (isFirst)
    drafts.push({
      name: 'receive',
      comment: 'What comes in is kept in a topic: the next pipeline reads it again after a restart.',
      source: sources.map((source, at) =>
        sourceOf(source, at, { names: [TOPICS.in], from: 'earliest', group: 'receive' }),
      ),
      steps: [],
      sink: [topicSink(), { name: entry }],
    });
  const isShared = isLast || sink.name !== 'endpoint';
  const reading = { names: topics, ...(isShared ? { from: 'earliest', group: 'work' } : { from: 'latest' }) };
  drafts.push({
    name: 'work',
    comment: isShared
      ? 'Each message goes this way once, whatever number of gateways there is.'
      : 'Every gateway reads all of it.',
    source: isFirst || reads ? [[topicSource(), reading]] : sources.map((source, at) => sourceOf(source, at, reading)),
    steps: configured,
    sink: isLast ? [topicSink(), { name: TOPICS.results }] : sinkOf(sink),
  });
  if (isLast)
    drafts.push({
      name: 'deliver',
      comment: 'Without a group every gateway reads all records, for its own clients.',
      source: [[topicSource(), { names: [TOPICS.results], from: 'latest' }]],
      steps: [],
      sink: sinkOf(sink),
    });
  return drafts;
}

function topicNames(count: number): string[] {
  return count === 1 ? [TOPICS.in] : Array.from({ length: count }, (_, at) => `${TOPICS.in}-${at + 1}`);
}

function topicSource(): SourceSpec {
  return parseFlow('topic->topic').sources[0] as SourceSpec; // one word, one source
}

function topicSink(): SinkSpec {
  return parseFlow('topic->topic').sink;
}

function sourceOf(spec: SourceSpec, at: number, reading: object): readonly [SourceSpec, unknown] {
  if (spec.name === 'endpoint') return [spec, at === 0 ? ENDPOINT : `${ENDPOINT}-${at + 1}`];
  if (spec.name === 'topic') return [spec, reading];
  if (spec.name === 'websocket_client') return [spec, { url: '${FEED_URL:wss://feed.example.com/trades}' }];
  return [spec, exampleConfig<unknown>(spec.examples[0])];
}

function sinkOf(spec: SinkSpec): readonly [SinkSpec, unknown] {
  if (spec.name === 'endpoint') return [spec, ENDPOINT];
  if (spec.name === 'topic') return [spec, { name: TOPICS.out }];
  if (spec.name === 'websocket_client') return [spec, { url: '${PARTNER_URL:wss://partner.example.com/orders}' }];
  if (spec.name === 'all' || spec.name === 'first')
    return [spec, [{ topic: { name: TOPICS.out } }, { topic: { name: `${TOPICS.out}-2` } }]];
  return [spec, exampleConfig<unknown>(spec.examples[0])];
}

function written(text: string, drafts: readonly Draft[]): string {
  const topics = [...new Set(drafts.flatMap(topicsOf))];
  const read = drafts.flatMap(({ source }) => source.filter(([spec]) => spec.name === 'endpoint'));
  const isFed = drafts.some(({ sink }) => sink[0].name === 'endpoint');
  const endpoints = [...new Set([...read.map(([, name]) => String(name)), ...(isFed ? [ENDPOINT] : [])])];
  return [
    ...(text === '' ? [] : [`# Made by: tidegate create '${text}'`]),
    '# Save it as gateway.yaml; then: tidegate lint gateway.yaml && tidegate run gateway.yaml',
    'log:',
    '  # Kafka where KAFKA_BROKERS is set; else records are kept in ./data.',
    '  brokers: "${KAFKA_BROKERS:}"',
    ...(topics.length === 0 ? [] : ['  # Created at start where they are missing.', '  topics:']),
    ...topics.map((topic) => `    ${topic}: { partitions: 3 }`),
    ...listenerLines(endpoints, read.length > 0),
    'pipelines:',
    ...drafts.flatMap(pipelineLines),
    '',
  ].join('\n');
}

function topicsOf({ source, sink, steps }: Draft): string[] {
  const named = [...source, sink, ...steps].flatMap(([spec, config]) => {
    const parsed = (spec.config as { safeParse(value: unknown): { data?: unknown } }).safeParse(config).data;
    const references = parsed === undefined ? undefined : (spec as Step).references?.(parsed);
    return (references ?? []).filter(({ to, isTable }) => to === 'topic' && isTable !== true).map(({ name }) => name);
  });
  return named.filter((name) => !name.includes('$'));
}

function listenerLines(endpoints: readonly string[], isRead: boolean): string[] {
  if (endpoints.length === 0) return [];
  const entries = endpoints.flatMap((name, at) => [
    `  ${name}:`,
    '    listener: public',
    `    path: ${at === 0 ? '/ws' : `/ws-${at + 1}`}`,
    '    # json: any JSON value both ways. `tidegate list codecs` lists the others.',
    '    codec: json',
    ...(isRead ? [] : ['    # Clients only receive.', '    direction: out']),
  ]);
  return ['listeners:', '  public: { port: "${PORT:9090}" }', 'endpoints:', ...entries];
}

function pipelineLines({ name, comment, source, steps, sink }: Draft): string[] {
  const [only, ...others] = source;
  const sources =
    only !== undefined && others.length === 0
      ? ['    source:', ...componentLines(only, '      ')]
      : ['    source:', ...source.flatMap((one) => componentLines(one, '      ', true))];
  return [
    `  # ${comment}`,
    `  ${name}:`,
    ...sources,
    ...(steps.length === 0
      ? []
      : ['    processors:', ...steps.flatMap((step) => componentLines(step, '      ', true))]),
    '    sink:',
    ...componentLines(sink, '      '),
  ];
}

function componentLines(
  [spec, config]: readonly [Step | SourceSpec | SinkSpec, unknown],
  indent: string,
  isItem = false,
) {
  const lines = stringify({ [spec.name]: config }, { lineWidth: 0 })
    .trimEnd()
    .split('\n');
  const [comment = ''] = plainText(spec.summary).split(/(?<=\.) /);
  return [
    `${indent}# ${comment}`,
    ...lines.map((line, at) => `${indent}${isItem ? (at === 0 ? '- ' : '  ') : ''}${line}`),
  ];
}
