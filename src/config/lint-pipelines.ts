import type { Codec } from '../core/component.ts';
import { ownEntry } from '../core/own-entry.ts';
import type { OnError } from '../pipelines/step.ts';
import { doubting, type Finding, failing, type Path } from './problem.ts';
import { referencesOf } from './references.ts';
import type { EndpointConfig, ParsedConfig, PipelineConfig } from './schema.ts';
import type { ChosenStep } from './step-schema.ts';

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

const broadcastFeedsClients: Rule = ({ source, sink, broadcast }, path) =>
  sharingOf(source) === 'broadcast' && sink.spec.reaches !== 'clients' && !broadcast
    ? failing(
        [...path, 'sink'],
        `without a group every gateway reads every record, so each of them would write each record here; give the source a group, or say broadcast: true if that is meant`,
      )
    : undefined;

const groupFeedsNoClients: Rule = ({ source, sink }, path) =>
  sharingOf(source) === 'shared' && sink.spec.reaches === 'clients'
    ? failing(
        [...path, 'source', source.spec.name],
        'the members of a group share the partitions, so with two gateways the clients of each would see only a part of the records: the group would split the room; leave the group out',
      )
    : undefined;

const broadcastHasNoDeadLetter: Rule = ({ source, on_error }, path) =>
  on_error.dead_letter !== undefined && sharingOf(source) === 'broadcast'
    ? failing(
        [...path, 'on_error', 'dead_letter'],
        'without a group every gateway reads every record, so each would write its own dead letter; give the source a group, or leave dead_letter out',
      )
    : undefined;

/** Elsewhere a failed message stops nothing, so there is nothing to skip. */
const skipNeedsOffsets: Rule = ({ source, on_error }, path) => {
  const sharing = sharingOf(source);
  if (!on_error.skip || sharing === 'shared') return undefined;
  const why =
    sharing === 'own'
      ? 'the client gets an error for its message that failed, and no other client is held up'
      : 'without a group no offset is committed, so a record that failed holds nothing up';
  return failing([...path, 'on_error', 'skip'], `${why}; skip is for a source with a group, leave it out here`);
};

const broadcastIsMeant: Rule = ({ source, sink, broadcast }, path) =>
  broadcast && (sharingOf(source) !== 'broadcast' || sink.spec.reaches === 'clients')
    ? doubting(
        [...path, 'broadcast'],
        'broadcast: true changes nothing here; it is for a source without a group whose sink is not an endpoint',
      )
    : undefined;

const deadLetterGoesElsewhere: Rule = ({ source, sink, on_error }, path) => {
  const { dead_letter } = on_error;
  if (dead_letter === undefined) return undefined;
  const own = (chosen: typeof source | typeof sink) =>
    referencesOf(chosen).some(({ to, name }) => to === 'topic' && name === dead_letter);
  if (!own(source) && !own(sink)) return undefined;
  const which = own(sink) ? 'the sink writes to' : 'the source reads';
  return failing(
    [...path, 'on_error', 'dead_letter'],
    `"${dead_letter}" is the topic that ${which}; dead letters need one of their own, such as ${dead_letter}.dlt`,
  );
};

const answersDoNotWaitForState: Rule = ({ source, processors }, path, config) => {
  const stateful = processors.findIndex(
    (step) => 'spec' in step && step.spec.kind === 'operator' && step.spec.stateful && !needsGroup(step),
  );
  const step = processors[stateful];
  const endpoint = endpointsOf(source).find((name) => answers(ownEntry(config.endpoints, name)));
  if (step === undefined || !('spec' in step) || endpoint === undefined) return undefined;
  return failing(
    [...path, 'processors', stateful],
    `${step.spec.name} keeps messages, and the clients of "${endpoint}" wait for their answers meanwhile; write to a topic first and do this in a second pipeline that reads it with a group`,
  );
};

const stateNeedsAGroup: Rule = ({ source, processors }, path) => {
  const at = processors.findIndex(needsGroup);
  if (at < 0) return undefined;
  const second = processors.findIndex((step, index) => index > at && needsGroup(step));
  if (second >= 0)
    return failing(
      [...path, 'processors', second],
      'a pipeline has one operator with state; write its results to a topic, and do this in a second pipeline that reads it',
    );
  return sharingOf(source) === 'shared'
    ? undefined
    : failing(
        [...path, 'processors', at],
        `the state of ${nameOf(processors[at])} is rebuilt by reading the topic again from where its group was, so the source has to be topics with a group; write to a topic first, and do this in a second pipeline`,
      );
};

function needsGroup(step: PipelineConfig['processors'][number]): boolean {
  return 'spec' in step && step.spec.kind === 'operator' && step.spec.needsGroup === true;
}

function nameOf(step: PipelineConfig['processors'][number] | undefined): string {
  return step !== undefined && 'spec' in step ? step.spec.name : 'this operator';
}

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

/** Offsets and results have to be in the same log. */
const exactlyOnceIsBetweenTopics: Rule = ({ source, sink, exactly_once }, path) => {
  if (!exactly_once) return undefined;
  const at = [...path, 'exactly_once'];
  if (sharingOf(source) !== 'shared')
    return failing(
      at,
      'the offsets of the source are committed with the results, so the source has to be topics with a group; give it one, or write to a topic first and do this in a second pipeline that reads it with a group',
    );
  return sink.spec.name === 'topic'
    ? undefined
    : failing(
        at,
        `results are stored in a transaction of the log, and the sink ${sink.spec.name} has none; write to a topic, and feed the sink from that topic in a second pipeline`,
      );
};

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
  answersDoNotWaitForState,
  stateNeedsAGroup,
  deadLettersHaveATopic,
  failOrSkip,
  exactlyOnceIsBetweenTopics,
];

/** A message of an endpoint is handed to one pipeline; two would each settle it. */
function sharedEndpoints({ pipelines }: ParsedConfig): Finding[] {
  const readers = new Map<string, string>();
  const findings: Finding[] = [];
  for (const [name, { source }] of Object.entries(pipelines)) {
    for (const endpoint of endpointsOf(source)) {
      const other = readers.get(endpoint);
      if (other === undefined) readers.set(endpoint, name);
      else {
        findings.push(
          failing(
            ['pipelines', name, 'source'],
            `the endpoint "${endpoint}" is read by pipelines.${other} already, and a message can be settled only once; write it to a topic and let both read that`,
          ),
        );
      }
    }
  }
  return findings;
}

/** Endpoints that a source or sink refers to. */
export function endpointsOf(chosen: Parameters<typeof referencesOf>[0]): string[] {
  return referencesOf(chosen).flatMap(({ to, name }) => (to === 'endpoint' ? [name] : []));
}

export function sharingOf({ spec, config }: PipelineConfig['source']) {
  return spec.sharing(config);
}

/** One end of a pipeline at an endpoint. */
export interface EndpointUse {
  readonly pipeline: string;
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
  for (const [pipeline, { source, sink }] of Object.entries(pipelines)) {
    for (const endpoint of endpointsOf(source)) add(endpoint, { pipeline, end: 'source', isBroadcast: false });
    const isBroadcast = sharingOf(source) === 'broadcast';
    for (const endpoint of endpointsOf(sink)) add(endpoint, { pipeline, end: 'sink', isBroadcast });
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
