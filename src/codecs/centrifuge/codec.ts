import {
  type ChannelProtocol,
  type Codec,
  type ConnectionInfo,
  type Effect,
  type Farewell,
  type Frame,
  type Introduction,
  JsonPath,
  type Message,
  type Rejection,
  type Renewal,
} from '../../sdk/index.ts';
import { jsonValueOf } from '../json-value.ts';
import { channelProtocol, reconnect } from './channels.ts';
import { badRequest, errorOf, farewellOf, NO_DATA, NOT_OFFERED, UNKNOWN_METHOD } from './codes.ts';
import { type Command, commandsIn, isObject, Mistake, PONG } from './commands.ts';
import { type Asked, errorReply, message, positionIn, reply, sinceIn, sincesIn } from './frames.ts';
import { introduction, renewal, type State } from './introduction.ts';

export interface CentrifugeSettings {
  /** Whether `rpc` and `send` are messages for the pipeline. */
  readonly calls: boolean;
}

const PAYLOADS = {
  publish: new JsonPath(['publish', 'data']),
  rpc: new JsonPath(['rpc', 'data']),
  send: new JsonPath(['send', 'data']),
};
const NULL = Buffer.from('null');
const NOTHING: readonly Effect[] = [];

/** The JSON protocol of the client libraries of Centrifugo. */
export class CentrifugeCodec implements Codec<State> {
  readonly answers = true;
  readonly ping: Frame = { data: '{}', binary: false };
  readonly introduction: Introduction<State> = introduction;
  readonly renewal: Renewal<State> = renewal;
  readonly channels: ChannelProtocol<State> = channelProtocol;
  private readonly settings: CentrifugeSettings;

  constructor(settings: CentrifugeSettings) {
    this.settings = settings;
  }

  open(connection: ConnectionInfo) {
    const { subscribes = false, publishes = false, seesPresence = false, seesHistory = false } = connection;
    const state: State = { phase: 'new', renews: false, subscribes, publishes, seesPresence, seesHistory };
    return { state, effects: NOTHING };
  }

  frame(state: State, data: Buffer, binary: boolean): readonly Effect[] {
    if (binary) return [badRequest('a text frame was expected')];
    const effects: Effect[] = [];
    for (const command of commandsIn(data)) {
      if (command === PONG) continue;
      const effect = command instanceof Mistake ? badRequest(command.why) : this.effectOf(state, command);
      effects.push(effect);
      if (effect.type === 'close') break;
    }
    return effects;
  }

  settled(_state: State, correlation: unknown, rejection: Rejection | null): Frame | null {
    const asked = correlation as Asked;
    if (asked.method === 'send') return null;
    if (rejection !== null) return errorReply(asked, errorOf(rejection));
    return reply(asked, asked.method === 'rpc' ? { data: {} } : {});
  }

  record(record: Message): Frame | null {
    const value = jsonValueOf(record);
    return value === null ? null : message(value);
  }

  dropped(): Frame {
    return reconnect();
  }

  farewell(farewell: Farewell): Farewell {
    return farewellOf(farewell);
  }

  private effectOf(state: State, command: Command): Effect {
    const { id, method, params } = command;
    if (method === 'connect') return connect(state, id, params);
    if (state.phase === 'new') return badRequest('connect is to be the first command');
    if (method === undefined) return { type: 'reply', frame: errorReply({ id }, UNKNOWN_METHOD) };
    const asked: Asked = { id, method };
    switch (method) {
      case 'subscribe':
        return state.subscribes ? subscribe(asked, params) : notOffered(asked);
      case 'unsubscribe':
        return withChannel(params, (channel) => ({ type: 'unsubscribe', channel, correlation: asked }));
      case 'publish':
        return state.publishes ? publish(asked, command) : notOffered(asked);
      case 'rpc':
      case 'send':
        return this.call(asked, command);
      case 'refresh':
        return refresh(state, asked, params);
      case 'presence':
      case 'presence_stats':
        if (!state.seesPresence) return notOffered(asked);
        return withChannel(params, (channel) => ({
          type: 'presence',
          channel,
          counts: method === 'presence_stats',
          correlation: asked,
        }));
      case 'history':
        return state.seesHistory ? history(asked, params) : notOffered(asked);
      case 'ping':
        return { type: 'reply', frame: reply(asked, {}) };
      default:
        return notOffered(asked);
    }
  }

  private call(asked: Asked, { method, params, line }: Command): Effect {
    if (!this.settings.calls) return asked.method === 'send' ? badRequest('send is not offered') : notOffered(asked);
    const { method: called } = params;
    if (called !== undefined && typeof called !== 'string') return badRequest('method is not text');
    const payload = PAYLOADS[method === 'send' ? 'send' : 'rpc'].bytesIn(line) ?? NULL;
    const content = asked.method === 'rpc' ? { payload, method: called ?? '' } : { payload };
    return { type: 'publish', message: content, correlation: asked };
  }
}

function connect(state: State, id: number, { token = '', subs }: Command['params']): Effect {
  if (state.phase !== 'new') return badRequest('connect is to be the first command');
  if (typeof token !== 'string') return badRequest('token is not text');
  state.phase = 'connecting';
  const asked: Asked = { id, method: 'connect' };
  const since = sincesIn(subs);
  return { type: 'introduce', ...(token !== '' && { token }), ...(since.size > 0 && { since }), correlation: asked };
}

function subscribe(asked: Asked, params: Command['params']): Effect {
  return withChannel(params, (channel) => {
    const since = sinceIn(params);
    if (since === undefined) return { type: 'subscribe', channel, correlation: asked };
    return { type: 'subscribe', channel, since, correlation: asked };
  });
}

/** Without a limit it asks only where the channel is; with a negative one for all that is kept. */
function history(asked: Asked, { channel, limit = 0, since, reverse = false }: Command['params']): Effect {
  if (typeof channel !== 'string') return badRequest('channel is not text');
  if (typeof limit !== 'number' || !Number.isInteger(limit)) return badRequest('limit is not a whole number');
  if (typeof reverse !== 'boolean') return badRequest('reverse is not true or false');
  if (since !== undefined && !isObject(since)) return badRequest('since is not an object');
  const query = {
    limit: limit < 0 ? Number.MAX_SAFE_INTEGER : limit,
    reverse,
    ...(since !== undefined && { since: positionIn(since) ?? null }),
  };
  return { type: 'history', channel, query, correlation: asked };
}

function publish(asked: Asked, { params, line }: Command): Effect {
  return withChannel(params, (channel) => {
    const payload = PAYLOADS.publish.bytesIn(line);
    if (payload === undefined) return { type: 'reply', frame: errorReply(asked, NO_DATA) };
    return { type: 'publish', channel, message: { payload }, correlation: asked };
  });
}

function refresh(state: State, asked: Asked, { token }: Command['params']): Effect {
  if (typeof token !== 'string' || token === '') return badRequest('token is not text');
  return state.renews ? { type: 'renew', token, correlation: asked } : notOffered(asked);
}

function withChannel({ channel }: Command['params'], then: (channel: string) => Effect): Effect {
  return typeof channel === 'string' ? then(channel) : badRequest('channel is not text');
}

function notOffered(asked: Asked): Effect {
  return { type: 'reply', frame: errorReply(asked, NOT_OFFERED) };
}
