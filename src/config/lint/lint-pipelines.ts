import type { OnError } from '../../pipelines/step.ts';
import { allSinksOf, type PlacedEnd, sinksOf, sourcesOf } from '../pipelines/ends.ts';
import { endpointsOf, hasSharing, type Rule, sharingOf, topicsIn } from '../pipelines/pipeline-uses.ts';
import { referencesOf } from '../pipelines/references.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';
import { type ChosenStep, componentsIn } from '../schema/step-schema.ts';
import { OPERATOR_RULES } from './lint-operators.ts';
import { TRANSACTION_RULES } from './lint-transactions.ts';

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
  const own = (ends: readonly PlacedEnd[]) => ends.some(({ chosen }) => topicsIn(chosen).includes(dead_letter));
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
  const read = new Set(sourcesOf(pipeline).flatMap(({ chosen }) => topicsIn(chosen)));
  for (const { chosen, path: at } of componentsIn(processors, [...path, 'processors'])) {
    const own = referencesOf(chosen).find(({ to, name, isTable }) => to === 'topic' && !isTable && read.has(name));
    if (own === undefined) continue;
    const what = `"${own.name}" is the topic that the source reads, so what is written there would come again`;
    return failing([...at, chosen.spec.name, ...own.path], `${what}; name another one`);
  }
  return undefined;
};

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
  const read = new Set(sourcesOf(pipeline).flatMap(({ chosen }) => topicsIn(chosen)));
  for (const { chosen, path: at } of allSinksOf(pipeline, path)) {
    const again = topicsIn(chosen).find((name) => read.has(name));
    if (again === undefined) continue;
    return doubting(
      [...at, chosen.spec.name],
      `"${again}" is also a topic that the source reads, so every record that is written here is read again, without end; write to another topic`,
    );
  }
  return undefined;
};

const RULES: readonly Rule[] = [
  ...OPERATOR_RULES,
  ...TRANSACTION_RULES,
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
  groupsDiffer,
  deadLettersHaveATopic,
  failOrSkip,
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
