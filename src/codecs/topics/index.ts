import {
  type Codec,
  type ConnectionInfo,
  defineCodec,
  type Effect,
  type Frame,
  JsonPath,
  type Message,
  quote,
  quoteReason,
  type Rejection,
  type Renewal,
  type TopicOutcome,
  type TopicProtocol,
  type TopicRequest,
  z,
} from '../../sdk/index.ts';
import { readNotification, writeNotifications } from './notification.ts';
import { payloadPieces, writeAround, writeFailure, writeRenewed, writeReply } from './replies.ts';
import { actionMistake, isAction, readRequest } from './requests.ts';
import { type Asked, type Incoming, isFields, Mistake } from './wire.ts';

/** The state of one connection; changed in place, 40,000 times a second. */
interface State {
  /** The newest `id` that was given to this client. */
  lastId: number;
  /** How the records of its subscription look. */
  isDetailed: boolean;
  /** Whether the client may renew its token. */
  readonly renews: boolean;
}

/** Characters of an ID: it is kept until its answer. */
const MAX_ID = 256;
const NOTHING_READ: Asked = { id: 'null', isQuiet: false, isDetailed: false };
const TYPES = 'send topic, notif or health';

/** The protocol of docs/topic-protocol.md. */
class TopicsCodec implements Codec<State> {
  /** Replies name the request that they answer, so they may come in any order. */
  readonly answers = false;
  readonly topics: TopicProtocol<State> = { answered, payload: payloadPieces, around, notify };
  readonly renewal: Renewal<State> = { ask, renewed };
  private readonly commit: 'auto' | 'manual';

  constructor(commit: 'auto' | 'manual') {
    this.commit = commit;
  }

  open({ renews }: ConnectionInfo): { state: State; effects: readonly Effect[] } {
    return { state: { lastId: 0, isDetailed: false, renews: renews === true }, effects: [] };
  }

  frame(state: State, data: Buffer, binary: boolean): readonly Effect[] {
    if (binary)
      return [refused(state, NOTHING_READ, new Mistake('binary', 'send text frames with JSON, not binary frames'))];
    const incoming = parse(data);
    if (incoming instanceof Mistake) return [refused(state, NOTHING_READ, incoming)];
    const id = ID.textIn(data) ?? 'null';
    if (!isShort(incoming.id, id)) return [refused(state, NOTHING_READ, ID_MISTAKE)];
    return [this.read(state, id, incoming, data)];
  }

  settled(): null {
    return null;
  }

  /** A client gets the records of its own subscription, by `topics.notify`, and no others. */
  record(): null {
    return null;
  }

  dropped(): null {
    return null;
  }

  private read(state: State, id: string, incoming: Incoming, frame: Buffer): Effect {
    const { t, a, p } = incoming;
    if (t === 'token' && state.renews) return renewal(state, id, p);
    if (t === 'notif') return publish(state, id, incoming, frame);
    if (t === 'health') return requested({ type: 'health' }, { id, t, isQuiet: false, isDetailed: false });
    if (t !== 'topic') return refused(state, { ...NOTHING_READ, id }, typeMistake(t));
    if (!isAction(a)) return refused(state, { ...NOTHING_READ, id, t }, actionMistake(a));
    const request = readRequest(a, p, this.commit);
    if (request instanceof Mistake) return refused(state, { ...NOTHING_READ, id, t, a }, request);
    const isDetailed = request.type === 'subscribe' && isFields(p) && p.detail === true;
    return requested(request, { id, t, a, isQuiet: false, isDetailed });
  }
}

export const topics = defineCodec({
  name: 'topics',
  summary: 'JSON requests over one socket: create, list, subscribe to and publish to topics, in consumer groups.',
  config: z.strictObject({
    commit: z
      .enum(['auto', 'manual'])
      .default('auto')
      .describe(
        'When a record counts as delivered, for subscriptions that do not say: auto, when the client has answered a ping behind it; manual, when the client commits it.',
      ),
  }),
  servesTopics: true,
  examples: [{}, { commit: 'manual' }],
  create: ({ commit }) => new TopicsCodec(commit),
});

const ID = new JsonPath(['id']);
const ID_MISTAKE = new Mistake('id', `id must be a JSON value of at most ${MAX_ID} characters`);

function parse(data: Buffer): Incoming | Mistake {
  let value: unknown;
  try {
    value = JSON.parse(data.toString('utf8'));
  } catch (error) {
    return new Mistake('not_json', `the frame is not JSON: ${(error as Error).message}`);
  }
  if (isFields(value)) return value;
  const what = Array.isArray(value) ? 'a list of messages came: send each in a frame of its own' : 'send an object';
  return new Mistake('shape', `${what}, such as {"id":1,"t":"topic","a":"list"}`);
}

/** `json`: the id as it came, in which an escape is several characters. */
function isShort(id: unknown, json: string): boolean {
  return (typeof id === 'string' ? id : json).length <= MAX_ID;
}

function typeMistake(t: unknown): Mistake {
  const why =
    t === undefined ? 't is missing' : typeof t === 'string' ? `t "${quote(t)}" is unknown` : 't must be a text';
  return new Mistake('type', `${why}; ${TYPES}`);
}

function publish(state: State, id: string, { a, p, ack }: Incoming, frame: Buffer): Effect {
  const asked: Asked = { id, t: 'notif', a: 'create', isQuiet: ack !== true, isDetailed: false };
  if (a !== 'create') {
    const mistake = new Mistake(
      'action',
      `a ${a === undefined ? 'is missing' : 'is unknown'}; for t "notif" send create`,
    );
    return refused(state, { ...asked, a: undefined }, mistake);
  }
  if (ack !== undefined && typeof ack !== 'boolean') {
    return refused(state, asked, new Mistake('payload', 'ack must be true or false'));
  }
  const request = readNotification(p, frame);
  return request instanceof Mistake ? refused(state, asked, request) : requested(request, asked);
}

function requested(request: TopicRequest, correlation: Asked): Effect {
  return { type: 'request', request, correlation };
}

function refused(state: State, asked: Asked, { reason, message, code }: Mistake): Effect {
  const frame = failure(state, asked, { code, message, retryable: false });
  return { type: 'reply', frame, rejected: reason, why: message };
}

/** What is wrong with it makes no dead letter of it. */
function renewal(state: State, id: string, token: unknown): Effect {
  const asked: Asked = { ...NOTHING_READ, id, t: 'token' };
  if (typeof token === 'string' && token !== '') return { type: 'renew', token, correlation: asked };
  const message = 'p must be the new token, a text';
  return { type: 'reply', frame: failure(state, asked, { code: 'TG_MESSAGE_INVALID', message, retryable: false }) };
}

function ask(state: State, within: number): Frame {
  state.lastId += 1;
  return text(JSON.stringify({ id: state.lastId, t: 'token', a: 'expired', p: { within } }));
}

function renewed(
  state: State,
  correlation: unknown,
  rejection: Rejection | null,
  _now: number,
  expires: number | undefined,
): Frame {
  // What `renewal` gave.
  const asked = correlation as Asked;
  if (rejection !== null) return failure(state, asked, rejection);
  state.lastId += 1;
  return text(writeRenewed(state.lastId, asked, expires));
}

function answered(state: State, correlation: unknown, outcome: TopicOutcome): Frame | null {
  // What `requested` gave.
  const asked = correlation as Asked;
  if (!outcome.ok) return failure(state, asked, outcome.rejection);
  if (asked.isQuiet) return null;
  if (outcome.result.type === 'subscribed') state.isDetailed = asked.isDetailed;
  state.lastId += 1;
  return text(writeReply(state.lastId, asked, outcome.result));
}

function around(state: State, correlation: unknown): { head: string; tail: string } {
  state.lastId += 1;
  // What `requested` gave.
  return writeAround(state.lastId, correlation as Asked);
}

function notify(state: State, messages: readonly Message[]): Frame {
  const firstId = state.lastId + 1;
  state.lastId += messages.length;
  return text(writeNotifications(messages, firstId, state.isDetailed));
}

function failure(state: State, asked: Asked, rejection: Rejection): Frame {
  state.lastId += 1;
  return text(writeFailure(state.lastId, asked, { ...rejection, message: quoteReason(rejection.message) }));
}

function text(data: string): Frame {
  return { data, binary: false };
}
