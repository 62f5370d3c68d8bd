import type { Codec } from '../core/component.ts';
import { ownEntry } from '../core/own-entry.ts';
import { doubting, type Finding, failing, type Path } from './problem.ts';
import { referencesOf } from './references.ts';
import type { EndpointConfig, ParsedConfig, PipelineConfig } from './schema.ts';

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

/** Elsewhere nothing stands still at a failed message, so there is nothing to pass over. */
const skipNeedsOffsets: Rule = ({ source, on_error }, path) => {
  const sharing = sharingOf(source);
  if (!on_error.skip || sharing === 'shared') return undefined;
  const why =
    sharing === 'own'
      ? 'a client is told of its message that failed, and nobody else is held up'
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
  const stateful = processors.findIndex(({ spec }) => spec.kind === 'operator' && spec.stateful);
  const endpoint = endpointsOf(source).find((name) => answers(ownEntry(config.endpoints, name)));
  if (stateful < 0 || endpoint === undefined) return undefined;
  return failing(
    [...path, 'processors', stateful],
    `${processors[stateful]?.spec.name} keeps messages, and the clients of "${endpoint}" wait for their answers meanwhile; write to a topic first and do this in a second pipeline that reads it with a group`,
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

/** Whether its clients wait for the answer to each message. */
export function answers(endpoint: EndpointConfig | undefined): boolean {
  if (endpoint === undefined) return false;
  const { spec, config } = endpoint.codec;
  // A codec is a pure function of its settings (sdk/define.ts), so it needs no context to say whether it answers.
  return (spec.create as (config: unknown) => Codec)(config).answers;
}
