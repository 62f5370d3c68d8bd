import { ownEntry } from '../../core/own-entry.ts';
import { sourcesOf } from '../pipelines/ends.ts';
import { answers, endpointsOf, type Rule, sharingOf, topicsIn } from '../pipelines/pipeline-uses.ts';
import { doubting, failing } from '../problem/problem.ts';
import type { PipelineConfig } from '../schema/schema.ts';

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
      `"${pattern}" may match topics that ${step.spec.name} has no use for; write the names of both topics in place of the pattern`,
    );
  const read = topicsIn(source.chosen);
  const missing = joined.find(({ topic }) => !read.includes(topic));
  if (missing !== undefined)
    return failing(
      [...path, 'processors', at, step.spec.name, missing.setting],
      `the source does not read the topic "${missing.topic}"; it reads ${read.map((name) => `"${name}"`).join(', ')}`,
    );
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

/** The key of a record, under which all of its records are in one partition. */
const RECORD_KEY = /^\$\{!\s*key\s*\}$/;

/** Each partition has a state of its own: a group whose records are in several of them would have several results. */
const groupsAreInOnePartition: Rule = (pipeline, path, { log }) => {
  const { processors } = pipeline;
  const at = processors.findIndex(needsGroup);
  const step = processors[at];
  if (step === undefined || !('spec' in step) || step.spec.kind !== 'operator') return undefined;
  const { text } = step.spec.groupsBy?.(step.config) ?? {};
  if (text === undefined || RECORD_KEY.test(text)) return undefined;
  const topics = sourcesOf(pipeline).flatMap(({ chosen }) => topicsIn(chosen));
  if (topics.every((topic) => ownEntry(log.topics, topic)?.partitions === 1)) return undefined;
  return {
    severity: 'note',
    path: [...path, 'processors', at, step.spec.name, 'by'],
    message: `each partition has groups of its own; unless ${text} decides the partition of a record, write the records to another topic with that key first`,
  };
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

export function nameOf(step: AnyStep): string {
  return step !== undefined && 'spec' in step ? step.spec.name : 'this operator';
}

/** What operators need of their pipeline. */
export const OPERATOR_RULES: readonly Rule[] = [
  answersDoNotWaitForState,
  stateNeedsAGroup,
  stateIsRepeatable,
  joinReadsItsTopics,
  joinedTopicsHaveEqualPartitions,
  groupsAreInOnePartition,
];
