import { quote, type SubscriptionRequest } from '../../sdk/index.ts';
import { type Fields, isFields, isTopicName, isWhole, Mistake, topicMistake, unknownField } from './wire.ts';

type From = NonNullable<SubscriptionRequest['from']>;
type Offsets = Readonly<Record<string, Readonly<Record<number, number>>>>;

const FIELDS = ['t', 'consumer_group', 'from', 'commit', 'credit', 'wait', 'detail'];
const MAX_GROUP = 255;
const MAX_INT = 2_147_483_647;
const HOW = 'send one such as {"t":["orders"],"consumer_group":"billing"}';

/** The `p` of `topic/subscribe`. `commit` is the default for its field `commit`. */
export function readSubscription(p: unknown, commit: 'auto' | 'manual'): SubscriptionRequest | Mistake {
  if (!isFields(p)) return new Mistake('payload', `p must be an object; ${HOW}`);
  const unknown = unknownField(p, FIELDS, 'a subscription');
  if (unknown !== undefined) return unknown;
  const topics = readTopics(p.t);
  if (topics instanceof Mistake) return topics;
  const mistake = groupMistake(p.consumer_group) ?? switchMistake(p, 'wait') ?? switchMistake(p, 'detail');
  if (mistake !== undefined) return mistake;
  const from = readFrom(p.from, topics);
  if (from instanceof Mistake) return from;
  if (!isGiven(p.commit)) return complete(p, topics, from, commit);
  if (p.commit !== 'auto' && p.commit !== 'manual') return new Mistake('payload', 'p.commit must be auto or manual');
  return complete(p, topics, from, p.commit);
}

function complete(
  p: Fields,
  topics: readonly string[],
  from: From | undefined,
  commit: 'auto' | 'manual',
): SubscriptionRequest | Mistake {
  const { consumer_group: group, credit } = p;
  if (isGiven(credit) && !isWhole(credit, 0, MAX_INT)) {
    return new Mistake('payload', 'p.credit must be a whole number of records, 0 or more');
  }
  return {
    topics,
    // In the protocol an empty group is no group.
    ...(typeof group === 'string' && group !== '' ? { group } : {}),
    ...(from === undefined ? {} : { from }),
    commit,
    ...(typeof credit === 'number' ? { credit } : {}),
    wait: p.wait === true,
  };
}

function readTopics(t: unknown): readonly string[] | Mistake {
  if (typeof t === 'string') return isTopicName(t) ? [t] : topicMistake(t, 'p.t');
  if (!Array.isArray(t)) return new Mistake('payload', `p.t must be a list of topic names; ${HOW}`);
  if (t.length === 0) return new Mistake('payload', `p.t is an empty list; ${HOW}`);
  for (const [index, name] of t.entries()) if (!isTopicName(name)) return topicMistake(name, `p.t[${index}]`);
  return [...new Set(t as string[])];
}

function groupMistake(group: unknown): Mistake | undefined {
  if (!isGiven(group) || (typeof group === 'string' && group.length <= MAX_GROUP)) return undefined;
  return new Mistake('payload', `p.consumer_group must be a text of at most ${MAX_GROUP} characters`);
}

function switchMistake(p: Fields, name: string): Mistake | undefined {
  const value = p[name];
  if (!isGiven(value) || typeof value === 'boolean') return undefined;
  return new Mistake('payload', `p.${name} must be true or false`);
}

const FROM = 'p.from must be earliest, latest, or offsets such as {"orders":{"0":1200}}';

function readFrom(from: unknown, topics: readonly string[]): From | undefined | Mistake {
  if (!isGiven(from)) return undefined;
  if (from === 'earliest' || from === 'latest') return from;
  if (!isFields(from)) return new Mistake('payload', FROM);
  const byTopic = offsetsOf(from);
  const names = Object.keys(byTopic);
  if (names.length === 0) return new Mistake('payload', `${FROM}; it is empty`);
  for (const name of names) {
    const mistake = offsetsMistake(name, byTopic[name], topics);
    if (mistake !== undefined) return mistake;
  }
  return { offsets: byTopic as Offsets };
}

/** Offsets by topic, also where they are nested as they are in the YAML: `{ offsets: { orders: { 0: 1200 } } }`. */
function offsetsOf(from: Fields): Fields {
  const { offsets } = from;
  if (!isFields(offsets) || Object.keys(from).length > 1) return from;
  return Object.values(offsets).every(isFields) ? offsets : from;
}

function offsetsMistake(name: string, partitions: unknown, topics: readonly string[]): Mistake | undefined {
  if (!isFields(partitions)) return new Mistake('payload', FROM);
  if (!topics.includes(name)) {
    return new Mistake('payload', `p.from names "${quote(name)}", which is not among the topics of p.t`);
  }
  for (const [partition, offset] of Object.entries(partitions)) {
    if (!/^(?:0|[1-9]\d{0,9})$/.test(partition) || Number(partition) > MAX_INT) {
      return new Mistake('payload', `p.from: "${quote(partition)}" is not a partition number`);
    }
    if (!isWhole(offset, 0, Number.MAX_SAFE_INTEGER)) {
      return new Mistake('payload', 'p.from: an offset must be a whole number, 0 or more');
    }
  }
  return undefined;
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
