import { type Position, quote, type TopicRequest, type TopicSpec } from '../../sdk/index.ts';
import { readSubscription } from './subscription.ts';
import { type Fields, isFields, isTopicName, isWhole, Mistake, topicMistake, unknownField } from './wire.ts';

const ACTIONS = ['create', 'list', 'subscribe', 'unsubscribe', 'commit', 'seek', 'pause', 'resume', 'credit'];
const MAX_INT = 2_147_483_647;
const MAX_PARTITIONS = 10_000;
const MAX_REPLICATION = 100;

export function isAction(action: unknown): action is string {
  return typeof action === 'string' && ACTIONS.includes(action);
}

export function actionMistake(action: unknown): Mistake {
  const why =
    action === undefined
      ? 'a is missing'
      : typeof action === 'string'
        ? `a "${quote(action)}" is unknown`
        : 'a must be a text';
  return new Mistake('action', `${why}; for t "topic" send one of ${ACTIONS.join(', ')}`);
}

/** The request in a message of type `topic`. `commit` is the default for subscriptions. */
export function readRequest(action: string, p: unknown, commit: 'auto' | 'manual'): TopicRequest | Mistake {
  switch (action) {
    case 'create':
      return readCreate(p);
    case 'subscribe': {
      const subscription = readSubscription(p, commit);
      return subscription instanceof Mistake ? subscription : { type: 'subscribe', subscription };
    }
    case 'commit': {
      if (p === undefined || p === null) return { type: 'commit' };
      const positions = readPositions(p);
      return positions instanceof Mistake ? positions : { type: 'commit', positions };
    }
    case 'seek': {
      const positions = readPositions(p);
      return positions instanceof Mistake ? positions : { type: 'seek', positions };
    }
    case 'credit':
      return readGrant(p);
    case 'list':
    case 'unsubscribe':
    case 'pause':
    case 'resume':
      return { type: action };
    default:
      return actionMistake(action);
  }
}

function readCreate(p: unknown): TopicRequest | Mistake {
  const how = 'send one such as ["orders",{"topic":"events","partitions":6}]';
  if (!Array.isArray(p)) return new Mistake('payload', `p must be a list of topics; ${how}`);
  if (p.length === 0) return new Mistake('payload', `p is an empty list; ${how}`);
  const topics = new Map<string, TopicSpec>();
  for (const [index, entry] of p.entries()) {
    const where = `p[${index}]`;
    const topic = isFields(entry) ? readSpec(entry, where) : isTopicName(entry) ? { name: entry } : undefined;
    if (topic === undefined) return topicMistake(entry, where);
    if (topic instanceof Mistake) return topic;
    if (topics.has(topic.name)) return new Mistake('payload', `${where}: "${topic.name}" is in the list twice`);
    topics.set(topic.name, topic);
  }
  return { type: 'create', topics: [...topics.values()] };
}

function readSpec(entry: Fields, where: string): TopicSpec | Mistake {
  const unknown = unknownField(entry, ['topic', 'partitions', 'replication', 'config'], where);
  if (unknown !== undefined) return unknown;
  const { topic: name, partitions, replication } = entry;
  if (!isTopicName(name)) return topicMistake(name, `${where}.topic`);
  if (partitions !== undefined && !isWhole(partitions, 1, MAX_PARTITIONS)) {
    return new Mistake('payload', `${where}.partitions must be a whole number from 1 to ${MAX_PARTITIONS}`);
  }
  if (replication !== undefined && !isWhole(replication, 1, MAX_REPLICATION)) {
    return new Mistake('payload', `${where}.replication must be a whole number from 1 to ${MAX_REPLICATION}`);
  }
  const config = readConfig(entry.config, where);
  if (config instanceof Mistake) return config;
  return {
    name,
    ...(partitions === undefined ? {} : { partitions }),
    ...(replication === undefined ? {} : { replication }),
    ...(config === undefined ? {} : { config }),
  };
}

/** Kafka's settings are all text; a number or a boolean is converted. */
function readConfig(config: unknown, where: string): Record<string, string> | undefined | Mistake {
  if (config === undefined) return undefined;
  if (!isFields(config)) {
    return new Mistake('payload', `${where}.config must be an object such as {"retention.ms":"60000"}`);
  }
  const entries = Object.entries(config);
  const bad = entries.find(([, value]) => !['string', 'number', 'boolean'].includes(typeof value));
  if (bad !== undefined) {
    return new Mistake('payload', `${where}.config: the value of "${quote(bad[0])}" must be a text or a number`);
  }
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function readPositions(p: unknown): readonly Position[] | Mistake {
  const how = 'send one such as [{"topic":"orders","partition":0,"offset":1200}]';
  if (!Array.isArray(p)) return new Mistake('payload', `p must be a list of positions; ${how}`);
  if (p.length === 0) return new Mistake('payload', `p is an empty list; ${how}`);
  const positions: Position[] = [];
  for (const [index, entry] of p.entries()) {
    const where = `p[${index}]`;
    if (!isFields(entry)) return new Mistake('payload', `${where} must be a position; ${how}`);
    const { topic, partition, offset } = entry;
    if (!isTopicName(topic)) return topicMistake(topic, `${where}.topic`);
    if (!isWhole(partition, 0, MAX_INT)) {
      return new Mistake('payload', `${where}.partition must be a partition number`);
    }
    if (!isWhole(offset, 0, Number.MAX_SAFE_INTEGER)) {
      return new Mistake('payload', `${where}.offset must be a whole number, 0 or more`);
    }
    positions.push({ topic, partition, offset });
  }
  return positions;
}

function readGrant(p: unknown): TopicRequest | Mistake {
  const records = isFields(p) ? p.n : p;
  if (isWhole(records, 1, MAX_INT)) return { type: 'grant', records };
  return new Mistake('payload', 'p must be the number of records to add to the credit, such as 100 or {"n":100}');
}
