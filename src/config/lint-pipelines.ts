import type { Codec } from '../core/component.ts';
import { ownEntry } from '../core/own-entry.ts';
import type { OnError } from '../pipelines/step.ts';
import type { Sharing, SinkSpec, SourceSpec } from '../sdk/define.ts';
import type { Chosen } from './component-schema.ts';
import { allSinksOf, type PlacedEnd, sinksOf, sourcesOf } from './ends.ts';
import { DEFAULT_TRANSACTION } from './pipeline-schema.ts';
import { doubting, type Finding, failing, type Path } from './problem.ts';
import { referencesOf } from './references.ts';
import type { EndpointConfig, ParsedConfig, PipelineConfig } from './schema.ts';
import { type ChosenStep, componentsIn } from './step-schema.ts';

type Rule = (pipeline: PipelineConfig, path: Path, config: ParsedConfig) => Finding | undefined;

export function lintPipelines(config: ParsedConfig): Finding[] {
  const each = Object.entries(config.pipelines).flatMap(([name, pipeline]) =>
    RULES.map((rule) => rule(pipeline, ['pipelines', name], config)),
  );
  return [...each, ...sharedEndpoints(config)].filter((finding) => finding !== undefined);
}

/** Above half of the limit the gate would close before a batch is full, and nothing would ever flush it. */
const batchFitsGate: Rule = ({ batch, in_flight }, path) =>
  batch.count > in_flight.messages / 2
    ? failing(
        [...path, 'batch', 'count'],
        `a batch of ${batch.count} is more than half of in_flight.messages (${in_flight.messages}); make it at most ${Math.floor(in_flight.messages / 2)}`,
      )
    : undefined;

const batchBytesFitGate: Rule = ({ batch, in_flight }, path) =>
  batch.bytes > in_flight.bytes / 2
    ? failing(
        [...path, 'batch', 'bytes'],
        'a batch may be at most half of in_flight.bytes, else the gate closes before it is full',
      )
    : undefined;

const backoffRises: Rule = ({ on_error: { backoff } }, path) =>
  backoff.initial > backoff.max
    ? failing([...path, 'on_error', 'backoff', 'initial'], 'the first pause is longer than backoff.max')
    : undefined;

const broadcastFeedsClients: Rule = (pipeline, path) => {
  const writer = sinksOf(pipeline, path).find(({ chosen }) => chosen.spec.reaches === 'records');
  return hasSharing(pipeline, 'broadcast') && writer !== undefined && !pipeline.broadcast
    ? failing(
        writer.path,
        `without a group every gateway reads every record, so each of them would write each record here; give the source a group, or say broadcast: true if that is meant`,
      )
    : undefined;
};

const groupFeedsNoClients: Rule = (pipeline, path) => {
  const member = sourcesOf(pipeline, path).find(({ chosen }) => sharingOf(chosen) === 'shared');
  return member !== undefined && sinksOf(pipeline).some(({ chosen }) => chosen.spec.reaches === 'clients')
    ? failing(
        [...member.path, member.chosen.spec.name],
        'the members of a group share the partitions, so with two gateways the clients of each would see only a part of the records: the group would split the room; leave the group out',
      )
    : undefined;
};

const broadcastHasNoDeadLetter: Rule = (pipeline, path) =>
  pipeline.on_error.dead_letter !== undefined && hasSharing(pipeline, 'broadcast')
    ? failing(
        [...path, 'on_error', 'dead_letter'],
        'without a group every gateway reads every record, so each would write its own dead letter; give the source a group, or leave dead_letter out',
      )
    : undefined;

/** Elsewhere a failed message stops nothing, so there is nothing to skip. */
const skipNeedsOffsets: Rule = (pipeline, path) => {
  if (!pipeline.on_error.skip || hasSharing(pipeline, 'shared')) return undefined;
  const why = hasSharing(pipeline, 'own')
    ? 'the client gets an error for its message that failed, and no other client is held up'
    : 'without a group no offset is committed, so a record that failed holds nothing up';
  return failing([...path, 'on_error', 'skip'], `${why}; skip is for a source with a group, leave it out here`);
};

const broadcastIsMeant: Rule = (pipeline, path) =>
  pipeline.broadcast &&
  (!hasSharing(pipeline, 'broadcast') || sinksOf(pipeline).every(({ chosen }) => chosen.spec.reaches !== 'records'))
    ? doubting(
        [...path, 'broadcast'],
        'broadcast: true changes nothing here; it is for a source without a group whose sink is not an endpoint',
      )
    : undefined;

const deadLetterGoesElsewhere: Rule = (pipeline, path) => {
  const { dead_letter } = pipeline.on_error;
  if (dead_letter === undefined) return undefined;
  const own = (ends: readonly PlacedEnd[]) =>
    ends.some(({ chosen }) => referencesOf(chosen).some(({ to, name }) => to === 'topic' && name === dead_letter));
  const isWritten = own(sinksOf(pipeline));
  if (!isWritten && !own(sourcesOf(pipeline))) return undefined;
  const which = isWritten ? 'the sink writes to' : 'the source reads';
  return failing(
    [...path, 'on_error', 'dead_letter'],
    `"${dead_letter}" is the topic that ${which}; dead letters need one of their own, such as ${dead_letter}.dlt`,
  );
};

const stepsWriteElsewhere: Rule = (pipeline, path) => {
  const { processors } = pipeline;
  const sources = sourcesOf(pipeline).flatMap(({ chosen }) => referencesOf(chosen));
  const read = new Set(sources.flatMap(({ to, name }) => (to === 'topic' ? [name] : [])));
  for (const { chosen, path: at } of componentsIn(processors, [...path, 'processors'])) {
    const own = referencesOf(chosen).find(({ to, name, isTable }) => to === 'topic' && !isTable && read.has(name));
    if (own === undefined) continue;
    const what = `"${own.name}" is the topic that the source reads, so what is written there would come again`;
    return failing([...at, chosen.spec.name, ...own.path], `${what}; name another one`);
  }
  return undefined;
};

const answersDoNotWaitForState: Rule = (pipeline, path, config) => {
  const { processors } = pipeline;
  const stateful = processors.findIndex(
    (step) => 'spec' in step && step.spec.kind === 'operator' && step.spec.stateful && !readsAgain(step),
  );
  const step = processors[stateful];
  const endpoint = endpointsOf(sourcesOf(pipeline)).find((name) => answers(ownEntry(config.endpoints, name)));
  if (step === undefined || !('spec' in step) || endpoint === undefined) return undefined;
  return failing(
    [...path, 'processors', stateful],
    `${step.spec.name} keeps messages, and the clients of "${endpoint}" wait for their answers meanwhile; write to a topic first and do this in a second pipeline that reads it with a group`,
  );
};

const stateNeedsAGroup: Rule = (pipeline, path) => {
  const { processors } = pipeline;
  const at = processors.findIndex(readsAgain);
  if (at < 0) return undefined;
  const second = processors.findIndex((step, index) => index > at && readsAgain(step));
  if (second >= 0)
    return failing(
      [...path, 'processors', second],
      'a pipeline has one operator with state; write its results to a topic, and do this in a second pipeline that reads it',
    );
  const [source, ...others] = sourcesOf(pipeline);
  if (others.length > 0)
    return failing(
      [...path, 'processors', at],
      `the state of ${nameOf(processors[at])} belongs to one group, and this pipeline has ${others.length + 1} sources; list the topics in the names of one source, or write to a topic first`,
    );
  const sharing = source === undefined ? undefined : sharingOf(source.chosen);
  if (sharing === 'own' && !needsGroup(processors[at]))
    return failing(
      [...path, 'processors', at],
      `${nameOf(processors[at])} keeps messages, so its source has to be topics, which still have them after a crash; write to a topic first, and do this in a second pipeline`,
    );
  return sharing === 'shared' || !needsGroup(processors[at])
    ? undefined
    : failing(
        [...path, 'processors', at],
        `the state of ${nameOf(processors[at])} is rebuilt by reading the topic again from where its group was, so the source has to be topics with a group; write to a topic first, and do this in a second pipeline`,
      );
};

/** A record that is read again and dropped this time, or not dropped, would make other results of the same records. */
const stateIsRepeatable: Rule = ({ processors }, path) => {
  const stateful = processors.findIndex(readsAgain);
  const at = processors.findIndex((step, index) => index < stateful && !isRepeatable(step));
  return at < 0
    ? undefined
    : failing(
        [...path, 'processors', at],
        `${nameOf(processors[at])} may drop other records when they are read again after a restart, and ${nameOf(processors[stateful])} would give other results then; do this in a pipeline of its own that writes to a topic, and read that`,
      );
};

function isRepeatable(step: PipelineConfig['processors'][number]): boolean {
  if (!('spec' in step) || step.spec.kind !== 'operator') return true;
  const { isRepeatable: is = true } = step.spec;
  return typeof is === 'function' ? is(step.config) : is;
}

/** Records of other topics would meet nothing, and a topic that is not read gives nothing to meet. */
const joinReadsItsTopics: Rule = (pipeline, path) => {
  const { processors } = pipeline;
  const at = processors.findIndex(needsGroup);
  const step = processors[at];
  if (step === undefined || !('spec' in step) || step.spec.kind !== 'operator') return undefined;
  const joined = step.spec.joins?.(step.config) ?? [];
  const source = sourcesOf(pipeline, path).find(({ chosen }) => sharingOf(chosen) === 'shared');
  if (joined.length === 0 || source === undefined) return undefined;
  const [pattern] = source.chosen.spec.patterns?.(source.chosen.config) ?? [];
  if (pattern !== undefined)
    return failing(
      [...source.path, source.chosen.spec.name],
      `"${pattern}" may match topics that ${step.spec.name} has no use for; name the two that it joins`,
    );
  const read = referencesOf(source.chosen).flatMap(({ to, name }) => (to === 'topic' ? [name] : []));
  const missing = joined.find(({ topic }) => !read.includes(topic));
  if (missing !== undefined) {
    const { names } = source.chosen.config as { readonly names?: readonly unknown[] };
    const hasPattern = names?.some((name) => typeof name !== 'string' || name.includes('*')) === true;
    return failing(
      [...path, 'processors', at, step.spec.name, missing.setting],
      hasPattern
        ? `the source has to read the topic "${missing.topic}" by its name, and not by a pattern; write both topics into its names`
        : `the source does not read the topic "${missing.topic}"; it reads ${read.map((name) => `"${name}"`).join(', ')}`,
    );
  }
  const other = read.find((name) => joined.every(({ topic }) => topic !== name));
  return other === undefined
    ? undefined
    : failing(
        [...source.path, source.chosen.spec.name],
        `${step.spec.name} has no use for records of "${other}"; read that topic in a pipeline of its own`,
      );
};

/** Topics that are there may have other numbers than the configuration gives to new ones, so this may still run. */
const joinedTopicsHaveEqualPartitions: Rule = ({ processors }, path, { log }) => {
  const at = processors.findIndex(needsGroup);
  const step = processors[at];
  if (step === undefined || !('spec' in step) || step.spec.kind !== 'operator') return undefined;
  const [left, right] = (step.spec.joins?.(step.config) ?? []).map(({ topic }) => ({
    topic,
    partitions: ownEntry(log.topics, topic)?.partitions,
  }));
  if (left?.partitions === undefined || right?.partitions === undefined || left.partitions === right.partitions)
    return undefined;
  return doubting(
    [...path, 'processors', at, step.spec.name],
    `topics that are joined need the same number of partitions; log.topics gives "${left.topic}" ${left.partitions} and "${right.topic}" ${right.partitions}`,
  );
};

type AnyStep = PipelineConfig['processors'][number] | undefined;

function needsGroup(step: AnyStep): boolean {
  return step !== undefined && 'spec' in step && step.spec.kind === 'operator' && step.spec.needsGroup === true;
}

/** An operator whose state is rebuilt by reading again, where there is a group. */
function readsAgain(step: AnyStep): boolean {
  if (needsGroup(step)) return true;
  return step !== undefined && 'spec' in step && step.spec.kind === 'operator' && step.spec.needsTopic === true;
}

function nameOf(step: AnyStep): string {
  return step !== undefined && 'spec' in step ? step.spec.name : 'this operator';
}

/** A member of a group reads all topics that it is to read: two of one pipeline would take each other's partitions. */
const groupsDiffer: Rule = (pipeline, path) => {
  const groups = new Set<string>();
  for (const { chosen, path: at } of sourcesOf(pipeline, path)) {
    const { group } = chosen.config as { readonly group?: unknown };
    if (sharingOf(chosen) !== 'shared' || typeof group !== 'string') continue;
    if (groups.has(group))
      return failing(
        [...at, chosen.spec.name, 'group'],
        `the group "${group}" is that of another source in this list; name all its topics in one source`,
      );
    groups.add(group);
  }
  return undefined;
};

const deadLettersHaveATopic: Rule = ({ processors, on_error }, path) => {
  if (on_error.dead_letter !== undefined) return undefined;
  const at = stepWith('dead_letter', processors, [...path, 'processors']);
  return at === undefined
    ? undefined
    : failing(
        [...at, 'on_error'],
        'there is no topic for dead letters; name one at the pipeline: on_error: { dead_letter: TOPIC }',
      );
};

/** A pipeline that skips goes on behind every record that failed, and this one is to stop it. */
const failOrSkip: Rule = ({ processors, on_error }, path) => {
  if (!on_error.skip) return undefined;
  const at = stepWith('fail', processors, [...path, 'processors']);
  return at === undefined
    ? undefined
    : failing(
        [...at, 'on_error'],
        'fail contradicts on_error.skip: true of the pipeline; leave that out, and say on_error: skip at the processors whose records may be skipped',
      );
};

/** Where the first step is that says so. */
function stepWith(word: OnError, steps: readonly ChosenStep[], path: Path): Path | undefined {
  for (const [index, step] of steps.entries()) {
    const at = [...path, index];
    if (step.onError === word) return at;
    if ('spec' in step) continue;
    const inner = stepWith(word, step.attempt, [...at, 'try']) ?? stepWith(word, step.rescue, [...at, 'catch']);
    if (inner !== undefined) return inner;
  }
  return undefined;
}

/** A record that is written to the topic that it was read from is read again, unless a processor ends the circle. */
const recordsDoNotCircle: Rule = (pipeline, path) => {
  const read = new Set(sourcesOf(pipeline).flatMap(({ chosen }) => topicsOf(chosen)));
  for (const { chosen, path: at } of allSinksOf(pipeline, path)) {
    const again = topicsOf(chosen).find((name) => read.has(name));
    if (again === undefined) continue;
    return doubting(
      [...at, chosen.spec.name],
      `"${again}" is also a topic that the source reads, so every record that is written here is read again, without end; write to another topic`,
    );
  }
  return undefined;
};

function topicsOf(chosen: PlacedEnd['chosen']): string[] {
  return referencesOf(chosen).flatMap(({ to, name }) => (to === 'topic' ? [name] : []));
}

/** What is written out although it is the default does no harm. */
const transactionIsUsed: Rule = ({ exactly_once, transaction: { interval, bytes } }, path) => {
  const isDefault = interval === DEFAULT_TRANSACTION.interval && bytes === DEFAULT_TRANSACTION.bytes;
  return exactly_once || isDefault
    ? undefined
    : doubting(
        [...path, 'transaction'],
        'there are no transactions without exactly_once: true, so this changes nothing',
      );
};

/** Offsets and results have to be in the same log. */
const exactlyOnceIsBetweenTopics: Rule = (pipeline, path) => {
  if (!pipeline.exactly_once) return undefined;
  const at = [...path, 'exactly_once'];
  const [source, ...others] = sourcesOf(pipeline);
  if (source === undefined || others.length > 0 || sharingOf(source.chosen) !== 'shared')
    return failing(
      at,
      'the offsets of the source are committed with the results, so the source has to be topics with one group; give it one, or write to a topic first and do this in a second pipeline that reads it with a group',
    );
  const joining = pipeline.processors.find(
    (step) => 'spec' in step && step.spec.kind === 'operator' && step.spec.joins,
  );
  if (joining !== undefined)
    return failing(
      at,
      `${nameOf(joining)} reads two topics, whose offsets may be committed at different places, so a pair can come again after a crash; leave exactly_once out, and let readers take a pair once by its key and timestamp`,
    );
  const other = allSinksOf(pipeline).find(({ chosen }) => !isTransactional(chosen));
  return other === undefined
    ? undefined
    : failing(
        at,
        `results are stored in a transaction of the log, and the sink ${other.chosen.spec.name} has none; write to a topic, and feed the sink from that topic in a second pipeline`,
      );
};

/** `drop` stores nothing, so it has nothing to store once; copies of a message are settled apart from it. */
function isTransactional({ spec }: PlacedEnd<SinkSpec>['chosen']): boolean {
  return spec.name === 'topic' || spec.name === 'drop' || (spec.inner !== undefined && spec.copies === undefined);
}

const RULES: readonly Rule[] = [
  batchFitsGate,
  batchBytesFitGate,
  backoffRises,
  broadcastFeedsClients,
  groupFeedsNoClients,
  broadcastHasNoDeadLetter,
  skipNeedsOffsets,
  broadcastIsMeant,
  deadLetterGoesElsewhere,
  stepsWriteElsewhere,
  answersDoNotWaitForState,
  stateNeedsAGroup,
  stateIsRepeatable,
  groupsDiffer,
  joinReadsItsTopics,
  joinedTopicsHaveEqualPartitions,
  deadLettersHaveATopic,
  failOrSkip,
  exactlyOnceIsBetweenTopics,
  transactionIsUsed,
  recordsDoNotCircle,
];

/** A message of an endpoint is handed to one pipeline; two would each settle it. */
function sharedEndpoints({ pipelines }: ParsedConfig): Finding[] {
  const readers = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [name, pipeline] of Object.entries(pipelines)) {
    for (const source of sourcesOf(pipeline, ['pipelines', name])) {
      for (const endpoint of endpointsOf([source])) {
        const other = readers.get(endpoint);
        if (other === undefined) {
          readers.set(endpoint, name);
          continue;
        }
        findings.push(
          failing(
            source.path,
            `the endpoint "${endpoint}" is read by pipelines.${other} already, and a message can be settled only once; write it to a topic and let both read that`,
          ),
        );
      }
    }
  }
  return findings;
}

/** Endpoints that sources or sinks refer to. */
export function endpointsOf(ends: readonly PlacedEnd[]): string[] {
  return ends.flatMap(({ chosen }) =>
    referencesOf(chosen).flatMap(({ to, name }) => (to === 'endpoint' ? [name] : [])),
  );
}

export function sharingOf({ spec, config }: Chosen<SourceSpec>): Sharing {
  return spec.sharing(config);
}

/** Whether a source of the pipeline shares its records in that way. */
function hasSharing(pipeline: PipelineConfig, sharing: Sharing): boolean {
  return sourcesOf(pipeline).some(({ chosen }) => sharingOf(chosen) === sharing);
}

/** One end of a pipeline at an endpoint. */
export interface EndpointUse {
  readonly pipeline: string;
  readonly path: Path;
  readonly end: 'source' | 'sink';
  /** Whether it brings every record of a topic to all clients. */
  readonly isBroadcast: boolean;
}

/** Which pipelines read or feed each endpoint: found once, so that no rule looks through all pipelines for each of them. */
export function usesOfEndpoints({ pipelines }: ParsedConfig): (endpoint: string) => readonly EndpointUse[] {
  const uses = new Map<string, EndpointUse[]>();
  const add = (endpoint: string, use: EndpointUse) => {
    const others = uses.get(endpoint);
    if (others === undefined) uses.set(endpoint, [use]);
    else others.push(use);
  };
  for (const [pipeline, settings] of Object.entries(pipelines)) {
    for (const place of sourcesOf(settings, ['pipelines', pipeline]))
      for (const endpoint of endpointsOf([place]))
        add(endpoint, { pipeline, path: place.path, end: 'source', isBroadcast: false });
    const isBroadcast = hasSharing(settings, 'broadcast');
    for (const place of sinksOf(settings, ['pipelines', pipeline]))
      for (const endpoint of endpointsOf([place]))
        add(endpoint, { pipeline, path: place.path, end: 'sink', isBroadcast });
  }
  return (endpoint) => uses.get(endpoint) ?? [];
}

/** Whether its clients wait for the answer to each message. */
export function answers(endpoint: EndpointConfig | undefined): boolean {
  if (endpoint === undefined) return false;
  const { spec, config } = endpoint.codec;
  // A codec is a pure function of its settings (sdk/define.ts), so it needs no context to say whether it answers.
  return (spec.create as (config: unknown) => Codec)(config).answers;
}
