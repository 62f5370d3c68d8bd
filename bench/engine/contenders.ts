const schema = { type: 'object', required: ['id', 'user'], properties: { id: { type: 'integer' } } };

const processors = [
  { validate: { schema } },
  { filter: { keep: '${! json.total > 0 }' } },
  { map: { json: '${! { "id": json.id, "who": json.user, "total": json.total } }' } },
  { headers: { set: { who: '${! json.who }' } } },
];
const tumbling = { tumbling: '1m', time: '${! json.at }' };
const worst = "${! json.total > state.total ? { 'total': json.total, 'id': json.id } : state }";

/** Pipelines from `in` to `out` by what they do; `plain` is what the others are compared with. */
export const CONTENDERS: Readonly<Record<string, object>> = {
  plain: {},
  'exactly once': { exactly_once: true },
  processors: { processors },
  'processors, 2,048 in flight': { processors, in_flight: { messages: 2_048 } },
  window: { processors: [{ window: { ...tumbling, aggregate: { n: 'count' } } }] },
  fold: { processors: [{ window: { ...tumbling, aggregate: { worst: { fold: worst, start: { total: 0 } } } } }] },
};

/** A record of about 75 bytes; a thousand keys. */
export function recordOf(id: number): { readonly key: string; readonly value: string } {
  const user = `user-${id % 1_000}`;
  return { key: user, value: JSON.stringify({ id, user, total: (id % 100) + 1, at: 1_700_000_000_000 + id }) };
}
