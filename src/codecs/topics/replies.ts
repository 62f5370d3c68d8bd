import type { Rejection, TopicResult } from '../../sdk/index.ts';
import type { Asked } from './wire.ts';

/** A reply in the order of fields that S2 shows: in its answer to a subscription `p` stands before `s`. */
export function writeReply(id: number, { id: refid, t, a }: Asked, result: TopicResult): string {
  if (result.type === 'subscribed') return reply(id, refid, { t, a, p: result.topics, s: 0 });
  return reply(id, refid, { t, a, s: 0, p: payloadOf(result) });
}

/** S2 says nothing of failures but `s: 1`; the reason is the payload, the rest stands beside it. */
export function writeFailure(id: number, { id: refid, t, a }: Asked, { code, message, retryable }: Rejection): string {
  return reply(id, refid, { t, a, s: 1, p: message, code, retryable });
}

function reply(id: number, refid: string, rest: Readonly<Record<string, unknown>>): string {
  return `{"id":${id},"refid":${refid},${JSON.stringify(rest).slice(1)}`;
}

/** undefined leaves the field out. */
function payloadOf(result: Exclude<TopicResult, { type: 'subscribed' }>): unknown {
  switch (result.type) {
    case 'created':
      return result.topics;
    case 'listed':
      return result.partitions.map(({ topic, partition }) => ({ topic, partition }));
    case 'published': {
      const { topic, partition, offset } = result.position;
      return { topic, partition, offset };
    }
    case 'health':
      return { consumers: result.consumers.map(({ ws, topics }) => ({ ws, topics })) };
    case 'done':
      return undefined;
  }
}
