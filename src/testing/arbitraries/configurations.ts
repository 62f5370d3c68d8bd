import fc from 'fast-check';
import { builtinRegistry } from '../../config/index.ts';
import { titledExample } from '../../sdk/example.ts';

/** Settings as the YAML has them: an object that loadConfig, createGateway and Simulation take. */
export type Configuration = Readonly<Record<string, unknown>>;

/** One of `pipelines`, as the YAML has it. */
export type PipelineSettings = Readonly<Record<string, unknown>>;

type Step = Readonly<Record<string, unknown>>;

const KEY = { by: '${! key }' };
/** Operators that pass messages on or end them. */
const PASSING: readonly Step[] = [
  { dedupe: { ...KEY, within: '1m' } },
  { sample: { every: 2 } },
  { throttle: { ...KEY, every: '1s' } },
  { rate_limit: { ...KEY, rate: '10/s' } },
];
/** Operators that keep records of topics. */
const STATEFUL: readonly Step[] = [
  { window: { tumbling: '1m', aggregate: { n: 'count' } } },
  { collect: { count: 10, period: '1s' } },
  { latest: { every: '1s' } },
];

/** Processors with settings of their examples: all that need nothing from outside. */
function processorsOf(): Step[] {
  return builtinRegistry()
    .all('processor')
    .filter(({ name }) => name !== 'lookup')
    .flatMap(({ name, examples }) =>
      examples.flatMap((one) => {
        const example = titledExample(one);
        return example?.input === undefined ? [] : [{ [name]: example.config }];
      }),
    );
}

const processors = fc.array(fc.constantFrom(...processorsOf()), { maxLength: 3 });
const batch = fc.option(
  fc.record({ count: fc.integer({ min: 1, max: 1_000 }), period: fc.constantFrom('0ms', '5ms', '1s') }),
  { nil: undefined },
);
const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,6}$/);

/** From the clients of an endpoint to a topic. */
const incoming = (endpoint: string, topic: string): fc.Arbitrary<PipelineSettings> =>
  fc
    .record({ steps: processors, operator: fc.option(fc.constantFrom(...PASSING), { nil: undefined }), batch })
    .map(({ steps, operator, ...rest }) => ({
      source: { endpoint },
      processors: operator === undefined ? steps : [...steps, operator],
      sink: { topic: { name: topic } },
      ...defined(rest),
    }));

/** From a topic to the clients of an endpoint. */
const outgoing = (topic: string, endpoint: string): fc.Arbitrary<PipelineSettings> =>
  processors.map((steps) => ({ source: { topic: { names: [topic] } }, processors: steps, sink: { endpoint } }));

/** From a topic to another one, by a group, maybe with an operator that keeps records. */
const between = (topic: string, other: string): fc.Arbitrary<PipelineSettings> =>
  fc
    .record({ steps: processors, operator: fc.option(fc.constantFrom(...STATEFUL), { nil: undefined }), batch })
    .map(({ steps, operator, ...rest }) => ({
      source: { topic: { names: [topic], group: `${topic}-${other}`, from: 'earliest' } },
      processors: operator === undefined ? steps : [...steps, operator],
      sink: { topic: { name: other } },
      ...defined(rest),
    }));

/** A pipeline that reads the endpoint `clients` or the topic `in`, and writes to `clients` or to the topic `out`. */
export const anyPipeline: fc.Arbitrary<PipelineSettings> = fc.oneof(
  incoming('clients', 'out'),
  outgoing('in', 'clients'),
  between('in', 'out'),
);

/**
 * Whole configurations that pass `lint`: endpoints whose messages go to topics and come back from them, and pipelines between
 * topics, on the embedded log in memory, with ports that are free.
 */
export const anyConfiguration: fc.Arbitrary<Configuration> = fc
  .uniqueArray(name, { minLength: 1, maxLength: 3 })
  .chain((names) => {
    const endpoint = fc.record({ codec: fc.constantFrom('raw', 'json', 'envelope') });
    const parts = names.map((one) =>
      fc.record({
        name: fc.constant(one),
        endpoint,
        partitions: fc.integer({ min: 1, max: 6 }),
        incoming: incoming(one, `${one}.in`),
        between: between(`${one}.in`, `${one}.out`),
        outgoing: outgoing(`${one}.out`, one),
      }),
    );
    return fc.tuple(...parts).map(configurationOf);
  });

interface Part {
  readonly name: string;
  readonly endpoint: { readonly codec: string };
  readonly partitions: number;
  readonly incoming: PipelineSettings;
  readonly between: PipelineSettings;
  readonly outgoing: PipelineSettings;
}

function configurationOf(parts: readonly Part[]): Configuration {
  const topics = parts.flatMap(({ name: one, partitions }) => [
    [`${one}.in`, { partitions }],
    [`${one}.out`, { partitions: 1 }],
  ]);
  return {
    log: { driver: 'embedded', topics: Object.fromEntries(topics) },
    admin: { port: 0 },
    listeners: { public: { port: 0 } },
    endpoints: Object.fromEntries(
      parts.map(({ name: one, endpoint }) => [one, { listener: 'public', path: `/${one}`, ...endpoint }]),
    ),
    pipelines: Object.fromEntries(
      parts.flatMap((part) => [
        [`${part.name}-in`, part.incoming],
        [`${part.name}-between`, part.between],
        [`${part.name}-out`, part.outgoing],
      ]),
    ),
  };
}

function defined(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}
