import {
  type Codec,
  type ConnectionInfo,
  defineCodec,
  type Effect,
  type Frame,
  type Identity,
  JsonPath,
  type MemberEvent,
  type Membership,
  type Message,
  quote,
  type Rejection,
  type Renewal,
  type RosterChange,
  z,
} from '../sdk/index.ts';
import { normalised, refusalOf } from './chat-names.ts';
import { droppedText, publishRoomMessage, recordFrame, text } from './room-message.ts';

/** The name that the room gave this client, such as client-7. */
interface State {
  readonly name: string;
  /** Whether the client may renew its token. */
  readonly renews: boolean;
}

/** What a client's frame may hold: `{ type, message?, targetId? }`. */
type Request = { readonly [K in 'type' | 'message' | 'targetId' | 'token']?: unknown };

const REQUEST_TYPES = ['broadcast-all', 'broadcast', 'broadcast-one', 'kick-one', 'kick-all'] as const;

class RoomsCodec implements Codec<State> {
  /** The protocol has no acknowledgements. */
  readonly answers = false;
  readonly membership: Membership<State>;
  readonly renewal: Renewal<State> = { ask, renewed };

  constructor(kickType: string) {
    this.membership = {
      identify,
      event: (_state, event) => eventEffects(event, kickType),
      announce,
      list: (names) => json({ type: 'client-list', clients: names }),
    };
  }

  /** A member's name is its client ID: `open` is called when the room has numbered the client. */
  open({ clientId, renews }: ConnectionInfo): { state: State; effects: readonly Effect[] } {
    const state = { name: clientId, renews: renews === true };
    return { state, effects: [{ type: 'reply', frame: json({ type: 'welcome', clientId }) }] };
  }

  frame({ name, renews }: State, data: Buffer, binary: boolean, now: number): readonly Effect[] {
    if (binary) return [rejected('binary', 'a text frame with JSON was expected, not a binary frame')];
    let value: unknown;
    try {
      value = JSON.parse(data.toString('utf8'));
    } catch (error) {
      return [rejected('not_json', `the frame is not JSON: ${(error as Error).message}; ${HOW}`)];
    }
    if (value === null || typeof value !== 'object' || Array.isArray(value)) {
      return [rejected('shape', `the frame must be a JSON object; ${HOW}`)];
    }
    if (renews && (value as Request).type === 'renew') return [renewal(value)];
    return [requested(value, MESSAGE.textIn(data) ?? '', name, now)];
  }

  settled(): null {
    return null;
  }

  record(message: Message, now: number): Frame | null {
    return recordFrame(
      message,
      now,
      ({ from, json: content, timestamp }) =>
        `{"type":"kafka","message":${content},"from":${JSON.stringify(from)},"timestamp":${JSON.stringify(timestamp)}}`,
    );
  }

  dropped(count: number): Frame {
    return errorFrame(droppedText(count));
  }
}

export const rooms = defineCodec({
  name: 'rooms',
  summary: 'JSON frames of a room whose members see each other: broadcasts, direct messages, kicks, the client list.',
  config: z.strictObject({
    kick_type: z
      .string()
      .min(1, 'expected a frame type such as kicked or kick')
      .default('kicked')
      .describe('Field `type` of the frame that tells a client that it was kicked; some clients wait for `kick`.'),
  }),
  hasMembers: true,
  page: 'rooms',
  examples: [{}, { kick_type: 'kick' }],
  create: ({ kick_type }) => new RoomsCodec(kick_type),
});

const PREFIX = 'client-';
/** Names that the room gives to clients without one of their own. */
const NUMBERED = /^client-\d+$/;
/** Two clients cannot have one name. */
const TAKEN = { code: 1003, reason: 'name already exists' };

/** The name that the configuration gives, or a number. */
function identify({ name: given }: ConnectionInfo): Identity {
  if (given === undefined) return { type: 'numbered', prefix: PREFIX };
  const name = normalised(given);
  const reason = NUMBERED.test(name) ? `name: ${name} is for clients without one` : refusalOf('name', given, name);
  if (reason !== undefined) return { type: 'refused', farewell: { code: 1008, reason } };
  return { type: 'named', name, details: {}, taken: TAKEN };
}

/** What is wrong with it makes no dead letter of it. */
function renewal({ token }: Request): Effect {
  if (typeof token === 'string' && token !== '') return { type: 'renew', token };
  return { type: 'reply', frame: errorFrame('token must be the new token, a text') };
}

function ask(_state: State, within: number): Frame {
  return json({ type: 'renew', within });
}

function renewed(
  _state: State,
  _correlation: unknown,
  rejection: Rejection | null,
  _now: number,
  expires: number | undefined,
): Frame {
  return rejection === null ? json({ type: 'renewed', expires }) : errorFrame(rejection.message);
}

const MESSAGE = new JsonPath(['message']);
const HOW = 'send one such as {"type":"broadcast-all","message":"Hello"}';

/** `messageJson`: the field `message` as it came. */
function requested({ type, message, targetId }: Request, messageJson: string, name: string, now: number): Effect {
  switch (type) {
    case 'broadcast-all':
    case 'broadcast':
      return isMissing(message) ? noMessage(type) : publishRoomMessage(name, message, messageJson, now);
    case 'broadcast-one':
      if (!isTarget(targetId)) return noTarget(type, targetId);
      if (isMissing(message)) return noMessage(type);
      return { type: 'direct', to: targetId, content: typeof message === 'string' ? message : messageJson };
    case 'kick-one':
      return isTarget(targetId) ? { type: 'kick', target: targetId } : noTarget(type, targetId);
    case 'kick-all':
      return { type: 'kick' };
    default:
      return rejected('type', `${typeMistake(type)}; send one of ${REQUEST_TYPES.join(', ')}`);
  }
}

function isMissing(message: unknown): boolean {
  return message === undefined || message === null;
}

function isTarget(targetId: unknown): targetId is string {
  return typeof targetId === 'string' && targetId !== '';
}

function noMessage(type: string): Effect {
  return rejected('message', `message is missing; ${type} needs a message, such as "message":"Hello"`);
}

function noTarget(type: string, targetId: unknown): Effect {
  const why = targetId === undefined ? 'is missing' : targetId === '' ? 'is empty' : 'must be a text';
  return rejected('target', `targetId ${why}; ${type} needs the ID of a client, such as "targetId":"client-1"`);
}

function typeMistake(type: unknown): string {
  if (type === undefined) return 'type is missing';
  return typeof type === 'string' ? `type "${quote(type)}" is unknown` : 'type must be a text';
}

function eventEffects(event: MemberEvent, kickType: string): readonly Effect[] {
  switch (event.type) {
    case 'direct':
      return [{ type: 'reply', frame: json({ type: 'direct', from: event.from, message: event.content }) }];
    case 'kicked':
      return [
        { type: 'reply', frame: json({ type: kickType, message: 'You have been kicked out.', by: event.by }) },
        { type: 'close', code: 4003, reason: 'kicked' },
      ];
    case 'refused':
      return [{ type: 'reply', frame: errorFrame(refusal(event)) }];
  }
}

function refusal({ action, target, reason }: Extract<MemberEvent, { type: 'refused' }>): string {
  switch (reason) {
    case 'unknown':
      return target === undefined ? 'there is no such client' : `there is no client ${quote(target)}`;
    case 'forbidden':
      return `this endpoint does not allow ${action === 'direct' ? 'direct messages' : 'kicks'}`;
    case 'unavailable':
      return `the ${action === 'direct' ? 'message' : 'kick'} could not be passed on, try again`;
  }
}

function announce({ type, member }: RosterChange): Frame {
  return json({ type: type === 'joined' ? 'client-connected' : 'client-disconnected', clientId: member.name });
}

function rejected(reason: string, message: string): Effect {
  return { type: 'reply', frame: errorFrame(message), rejected: reason, why: message };
}

function errorFrame(message: string): Frame {
  return json({ type: 'error', message });
}

function json(value: unknown): Frame {
  return text(JSON.stringify(value));
}
