import type { Rejection, TopicResult, TopicView } from '../../sdk/index.ts';
import type { Asked } from './wire.ts';

/** Entries of a long payload that are written at a time. */
const PIECE = 500;

/** A reply with its fields in the order of the protocol's examples: for a subscription `p` comes before `s`. */
export function writeReply(id: number, { id: refid, t, a }: Asked, result: TopicResult): string {
  if (result.type === 'subscribed') return reply(id, refid, { t, a, p: result.topics, s: 0 });
  return reply(id, refid, { t, a, s: 0, p: payloadOf(result) });
}

/** The answer to a new token. `expires`: milliseconds since 1970. */
export function writeRenewed(id: number, { id: refid, t }: Asked, expires: number | undefined): string {
  return reply(id, refid, { t, s: 0, ...(expires === undefined ? {} : { p: { expires } }) });
}

/** A reply whose payload is written elsewhere, once for all clients that ask for it. */
export function writeAround(id: number, { id: refid, t, a }: Asked): { head: string; tail: string } {
  return { head: `${reply(id, refid, { t, a, s: 0 }).slice(0, -1)},"p":`, tail: '}' };
}

/** The protocol has no more for failures than `s: 1`: the reason is the payload, the other fields are additions. */
export function writeFailure(id: number, { id: refid, t, a }: Asked, { code, message, retryable }: Rejection): string {
  return reply(id, refid, { t, a, s: 1, p: message, code, retryable });
}

/** The payload of a list or of health. */
export function payloadPieces(view: TopicView): Iterable<string> {
  return view.type === 'listed'
    ? inPieces('[', partitionsOf(view.topics), ']')
    : inPieces('{"consumers":[', consumersOf(view.consumers), ']}');
}

function reply(id: number, refid: string, rest: Readonly<Record<string, unknown>>): string {
  return `{"id":${id},"refid":${refid},${JSON.stringify(rest).slice(1)}`;
}

/** undefined leaves the field out. */
function payloadOf(result: Exclude<TopicResult, { type: 'subscribed' }>): unknown {
  switch (result.type) {
    case 'created':
      return result.topics;
    case 'published': {
      const { topic, partition, offset } = result.position;
      return { topic, partition, offset };
    }
    case 'done':
      return undefined;
  }
}

/** One entry for each partition. */
function* partitionsOf(topics: Extract<TopicView, { type: 'listed' }>['topics']): Generator<Entry> {
  for (const { topic, partitions } of topics) {
    const start = `{"topic":${JSON.stringify(topic)},"partition":`;
    for (let partition = 0; partition < partitions; partition++) yield { json: `${start}${partition}}`, weight: 1 };
  }
}

function* consumersOf(consumers: Extract<TopicView, { type: 'health' }>['consumers']): Generator<Entry> {
  for (const { ws, topics } of consumers) yield { json: JSON.stringify({ ws, topics }), weight: 1 + topics.length };
}

interface Entry {
  readonly json: string;
  /** How much it counts towards the size of a piece. */
  readonly weight: number;
}

/** A list of entries as JSON, between these two texts. */
function* inPieces(start: string, entries: Iterable<Entry>, end: string): Generator<string> {
  let piece = start;
  let weight = 0;
  let comma = '';
  for (const entry of entries) {
    piece += comma + entry.json;
    comma = ',';
    weight += entry.weight;
    if (weight < PIECE) continue;
    yield piece;
    piece = '';
    weight = 0;
  }
  yield piece + end;
}
