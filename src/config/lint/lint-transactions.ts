import type { SinkSpec } from '../../sdk/define.ts';
import { allSinksOf, type PlacedEnd, sourcesOf } from '../pipelines/ends.ts';
import { type Rule, sharingOf } from '../pipelines/pipeline-uses.ts';
import { doubting, failing } from '../problem/problem.ts';
import { DEFAULT_TRANSACTION } from '../schema/pipeline-schema.ts';
import { nameOf } from './lint-operators.ts';

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

/**
 * `drop` stores nothing, so it has nothing to store once. The copies of `all` wait for one transaction, as the parts of a
 * message that was split do; `first` tries another sink once one has refused, when a transaction may have been made.
 */
function isTransactional({ spec }: PlacedEnd<SinkSpec>['chosen']): boolean {
  return spec.name === 'topic' || spec.name === 'drop' || (spec.inner !== undefined && spec.copies !== 'one');
}

/** What `exactly_once` needs of its pipeline. */
export const TRANSACTION_RULES: readonly Rule[] = [transactionIsUsed, exactlyOnceIsBetweenTopics];
