import {
  type ChannelProtocol,
  type Codec,
  type ConnectionInfo,
  defineCodec,
  type Effect,
  type Frame,
  field,
  JsonPath,
  type Message,
  type Outcome,
  type Rejection,
  type Renewal,
  z,
} from '../sdk/index.ts';
import {
  type ChannelPublication,
  channelProtocol,
  channelRequestIn,
  publicationIn,
  requestEffect,
} from './json-channels.ts';
import { jsonValueOf } from './json-value.ts';

const ID = new JsonPath(['id']);
/** Characters of an id, which each answer repeats. As JSON; an escape in a text counts as one character. */
const MAX_ID = 256;

interface State {
  /** Whether the client may renew its token: `{"type":"renew","token"}` is no message of its then. */
  readonly renews: boolean;
  /** Whether it may subscribe to channels: `{"type":"subscribe"}` and `{"type":"unsubscribe"}` are no messages of its then. */
  readonly subscribes: boolean;
  /** Whether it may publish to channels: `{"type":"publish"}` is no message of its own then. */
  readonly publishes: boolean;
}

/** One object for all connections that may do the same. */
const STATES: readonly State[] = [false, true].flatMap((renews) =>
  [false, true].flatMap((subscribes) => [false, true].map((publishes) => ({ renews, subscribes, publishes }))),
);

class JsonCodec implements Codec<State> {
  readonly answers: boolean;
  readonly renewal: Renewal<State> = { ask, renewed };
  readonly channels: ChannelProtocol<State> = channelProtocol(answer, jsonValueOf);

  constructor(answers: boolean) {
    this.answers = answers;
  }

  open({ renews = false, subscribes = false, publishes = false }: ConnectionInfo): {
    state: State;
    effects: readonly Effect[];
  } {
    const state = STATES[Number(renews) * 4 + Number(subscribes) * 2 + Number(publishes)];
    return { state: state ?? { renews, subscribes, publishes }, effects: [] };
  }

  frame({ renews, subscribes, publishes }: State, data: Buffer, binary: boolean): readonly Effect[] {
    if (binary) return [rejected('binary', 'a text frame with JSON was expected, not a binary frame')];
    let json: unknown;
    try {
      json = JSON.parse(data.toString('utf8'));
    } catch (error) {
      return [rejected('not_json', `the frame is not JSON: ${(error as Error).message}`)];
    }
    const token = renews ? tokenIn(json) : undefined;
    if (token !== undefined) return [{ type: 'renew', token, correlation: shortId(json, data) }];
    const request = subscribes ? channelRequestIn(json) : undefined;
    if (request !== undefined) return [requestEffect(request, shortId(json, data))];
    const hasId = json !== null && typeof json === 'object' && 'id' in json;
    const id = hasId ? ID.textIn(data) : undefined;
    const isLong = id !== undefined && lengthOf(json as object, id) > MAX_ID;
    if (this.answers && isLong) return [rejected('id', `id must be a JSON value of at most ${MAX_ID} characters`)];
    const publication = publishes ? publicationIn(json, data) : undefined;
    if (publication !== undefined) return [publishEffect(publication, isLong ? undefined : id)];
    return [{ type: 'publish', message: { payload: data, json }, correlation: id }];
  }

  /** `id`: as the JSON that came, or undefined. */
  settled(_state: State, id: unknown, rejection: Rejection | null, _now?: number, outcome?: Outcome): Frame {
    return rejection === null ? answer('ack', id, { outcome }) : answer('error', id, rejection);
  }

  record(message: Message): Frame | null {
    const value = jsonValueOf(message);
    return value === null ? null : { data: value, binary: false };
  }

  dropped(count: number): Frame {
    return text({ type: 'dropped', count });
  }
}

export const json = defineCodec({
  name: 'json',
  summary: 'Any JSON value, untouched both ways; a record that is not JSON is sent as a JSON text.',
  config: z.strictObject({
    answers: field
      .boolean()
      .default(true)
      .describe(
        'Answer each message with {"type":"ack","id","outcome"} or {"type":"error",...}; id is the field `id` of the message, outcome is stored, filtered or dead_letter.',
      ),
  }),
  examples: [{}, { answers: false }],
  subscribes: true,
  page: 'channels',
  publishes: true,
  create: ({ answers }) => new JsonCodec(answers),
});

/** The new token in a frame that shows one. */
function tokenIn(json: unknown): string | undefined {
  const { type, token } = (json ?? {}) as { readonly type?: unknown; readonly token?: unknown };
  return type === 'renew' && typeof token === 'string' ? token : undefined;
}

/** The id of a request, as it came; a longer one is not repeated. */
function shortId(json: unknown, data: Buffer): string | undefined {
  const id = ID.textIn(data);
  return id !== undefined && lengthOf(json as object, id) <= MAX_ID ? id : undefined;
}

function ask(_state: State, within: number): Frame {
  return text({ type: 'renew', within });
}

function renewed(
  _state: State,
  id: unknown,
  rejection: Rejection | null,
  _now: number,
  expires: number | undefined,
): Frame {
  return rejection === null ? answer('renewed', id, { expires }) : answer('error', id, rejection);
}

/** `id`: as the JSON that came, or undefined. */
function answer(type: string, id: unknown, facts: object): Frame {
  const rest = JSON.stringify(facts).slice(1);
  return {
    data: `{"type":"${type}"${id === undefined ? '' : `,"id":${id}`}${rest === '}' ? '' : ','}${rest}`,
    binary: false,
  };
}

/** In characters. `json`: the id as it came, in which an escape is several characters. */
function lengthOf({ id }: { readonly id?: unknown }, json: string): number {
  return (typeof id === 'string' ? id : json).length;
}

function publishEffect({ channel, payload, json }: ChannelPublication, id: string | undefined): Effect {
  if (payload === undefined) return rejected('no_data', 'publish needs data, which is any JSON value', id);
  return { type: 'publish', channel, message: { payload, json }, correlation: id };
}

function rejected(reason: string, message: string, id?: string): Effect {
  const rejection: Rejection = { code: 'TG_MESSAGE_INVALID', message, retryable: false };
  return { type: 'reply', rejected: reason, why: message, frame: answer('error', id, rejection) };
}

function text(value: unknown): Frame {
  return { data: JSON.stringify(value), binary: false };
}
