import { namedInput, type Observed, type ObservedOutput, shown } from './observed.ts';

/** What is wrong in one sentence; undefined where the invariant holds. */
export type Judge = (observed: Observed) => string | undefined;

/** What was settled as stored or as a dead letter is there; nothing is left without an outcome. */
export const noLoss: Judge = (observed) => {
  const { inputs, outputs, isAggregating, isFromTopics } = observed;
  const letters = new Set(outputs.filter(({ isDeadLetter }) => isDeadLetter).map(({ origin }) => origin));
  const stored = new Set(outputs.filter(({ isDeadLetter }) => !isDeadLetter).map(({ origin }) => origin));
  for (const [at, { outcome, isCut, isDropped }] of inputs.entries()) {
    const named = namedInput(observed, at);
    if (outcome === 'stored' && !isAggregating && !isDropped && !stored.has(at))
      return `${named} was acked as stored, and is in no output`;
    if (outcome === 'dead_letter' && !letters.has(at)) return `${named} was acked as a dead letter, and there is none`;
    // A record that is not done stays in its topic, and is read again.
    if (outcome === 'pending' && !isCut && !isFromTopics)
      return `${named} has no outcome: it is neither stored nor refused`;
  }
  return undefined;
};

export const noDuplicates: Judge = (observed) => {
  const seen = new Set<string>();
  for (const { topic, origin, payload } of observed.outputs) {
    if (origin === undefined) continue;
    const id = `${origin} ${topic} ${payload?.toString('base64')}`;
    if (seen.has(id)) return `${namedInput(observed, origin)} is in ${topic} twice`;
    seen.add(id);
  }
  return undefined;
};

export const settlesOnce: Judge = (observed) => {
  for (const [at, { settledTimes, isCut, isSettledEarly }] of observed.inputs.entries()) {
    const named = namedInput(observed, at);
    if (isSettledEarly) return `${named} was settled before the sink had it, and is settled again there`;
    if (settledTimes > 1) return `${named} was settled ${settledTimes} times`;
    if (settledTimes === 0 && !isCut) return `${named} was never settled${whereStopped(observed)}`;
  }
  return undefined;
};

/** A source of topics stops at a record that failed and has no dead letter. */
function whereStopped(observed: Observed): string {
  const at = observed.inputs.findIndex(({ outcome }) => outcome === 'failed');
  if (!observed.isFromTopics || at < 0) return '';
  return `: the pipeline stopped at ${namedInput(observed, at)}, which failed with ${observed.inputs[at]?.error}`;
}

/** Repetitions after a crash begin further back: only the first output of each message counts. */
export const orderByKey: Judge = (observed) => {
  const newest = new Map<string, number>();
  const seen = new Set<string>();
  // After a crash one that was a dead letter may be read again, and stored behind those that followed it.
  const letters = new Set(observed.outputs.filter(({ isDeadLetter }) => isDeadLetter).map(({ origin }) => origin));
  for (const output of observed.outputs) {
    const { origin, topic } = output;
    const lane = laneOf(observed, output);
    if (origin === undefined || letters.has(origin) || lane === undefined || seen.has(`${lane} ${origin}`)) continue;
    seen.add(`${lane} ${origin}`);
    const before = newest.get(lane);
    if (before !== undefined && before > origin)
      return `in ${topic}, ${namedInput(observed, before)} came before ${namedInput(observed, origin)}, ${sameKey(output)}`;
    newest.set(lane, origin);
  }
  return undefined;
};

/** Outputs that have an order among themselves; undefined for what came without a key, from any partition. */
function laneOf(
  { inputs, isFromTopics }: Observed,
  { topic, partition, key, origin, isDeadLetter }: ObservedOutput,
): string | undefined {
  const given = origin === undefined ? undefined : inputs[origin]?.message.key;
  // A dead letter is written when its retries are over, while those behind it go on.
  if (isDeadLetter || (isFromTopics && (given === undefined || given === null))) return undefined;
  return JSON.stringify([topic, partition, key, given === undefined || given === null ? null : String(given)]);
}

function sameKey({ key }: ObservedOutput): string {
  return key === undefined ? 'both without a key' : `both with the key ${shown(key)}`;
}

export function batchAtMost(most: number): Judge {
  return ({ batches }) => {
    const larger = batches.find((size) => size > most);
    return larger === undefined
      ? undefined
      : `the sink got a batch of ${larger} messages, and at most ${most} are allowed`;
  };
}
