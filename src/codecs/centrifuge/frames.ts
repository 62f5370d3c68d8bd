import type { ChannelPosition, Frame, SubscriptionFacts } from '../../sdk/index.ts';
import { parsePosition } from '../../sdk/index.ts';
import type { ProtocolError } from './codes.ts';
import { isNumber, isObject } from './commands.ts';

const PUBLICATION_END = '}}';

/** The command that an answer is for. */
export interface Asked {
  readonly id: number;
  readonly method: string;
}

export function reply({ id, method }: Asked, result: object): Frame {
  return text(`{"id":${id},"${method}":${JSON.stringify(result)}}`);
}

export function errorReply({ id }: Pick<Asked, 'id'>, error: ProtocolError): Frame {
  return text(`{"id":${id},"error":${JSON.stringify(error)}}`);
}

/** `kind`: such as `unsubscribe`. */
export function push(channel: string | undefined, kind: string, content: object): Frame {
  return text(JSON.stringify({ push: { channel, [kind]: content } }));
}

/** `value`: as JSON. `offset`: where a client is that has it. */
export function publication(channel: string, value: Buffer | string, offset: number | undefined): Frame {
  const place = offset === undefined ? '' : `,"offset":${offset}`;
  return around(`${publicationHead(channel)}{"data":`, value, `${place}}${PUBLICATION_END}`);
}

/** What `publication` has made of a record, without what is around it. */
export function publicationIn(channel: string, payload: Buffer | string): string {
  const text = payload.toString();
  return text.slice(publicationHead(channel).length, -PUBLICATION_END.length);
}

/** The answer to a `history`. `place`: where the channel is. */
export function historyReply({ id }: Asked, publications: readonly string[], place: object): Frame {
  const members = JSON.stringify(place).slice(1, -1);
  return text(`{"id":${id},"history":{"publications":[${publications.join()}]${members && `,${members}`}}}`);
}

function publicationHead(channel: string): string {
  return `{"push":{"channel":${JSON.stringify(channel)},"pub":`;
}

/** A record that is in no channel that the client knows of. `value`: as JSON. */
export function message(value: Buffer | string): Frame {
  return around('{"push":{"message":{"data":', value, '}}}');
}

/** The epoch of the protocol has the partition, so that an epoch and an offset are a position. */
export function placeOf(position: ChannelPosition | undefined) {
  if (position === undefined) return {};
  return { epoch: epochOf(position), offset: position.offset };
}

function epochOf({ epoch, partition }: ChannelPosition): string {
  return `${epoch}.${partition}`;
}

/** What a subscription begins with, in answers and pushes. */
export function subscriptionOf({ position, recovered }: SubscriptionFacts): object {
  const known = position === undefined ? {} : { recoverable: true, positioned: true, ...placeOf(position) };
  return recovered === undefined ? known : { ...known, was_recovering: true, recovered };
}

/** Where a client says that it is; undefined where it does not ask for recovery, null where that is no position. */
export function sinceIn(params: Readonly<Record<string, unknown>>): ChannelPosition | null | undefined {
  return params.recover === true ? (positionIn(params) ?? null) : undefined;
}

export function positionIn({ epoch, offset = 0 }: Readonly<Record<string, unknown>>): ChannelPosition | undefined {
  return typeof epoch === 'string' && isNumber(offset) ? parsePosition(`${epoch}.${offset}`) : undefined;
}

/** The same of the channels that the gateway subscribes a client to, by their names. */
export function sincesIn(subs: unknown): ReadonlyMap<string, ChannelPosition | null> {
  const found = new Map<string, ChannelPosition | null>();
  if (!isObject(subs)) return found;
  for (const [channel, params] of Object.entries(subs)) {
    const since = isObject(params) ? sinceIn(params) : undefined;
    if (since !== undefined) found.set(channel, since);
  }
  return found;
}

function around(head: string, value: Buffer | string, end: string): Frame {
  if (typeof value === 'string') return text(`${head}${value}${end}`);
  return { data: Buffer.concat([Buffer.from(head), value, Buffer.from(end)]), binary: false };
}

function text(data: string): Frame {
  return { data, binary: false };
}
