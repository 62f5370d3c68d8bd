import {
  type Codec,
  type ConnectionInfo,
  defineCodec,
  type Effect,
  type Frame,
  type Identity,
  type MemberEvent,
  type Membership,
  type Message,
  type RosterChange,
  z,
} from '../sdk/index.ts';
import { normalised, refusalOf } from './chat-names.ts';
import { droppedText, publishRoomMessage, type RoomMessage, recordFrame, text } from './room-message.ts';

interface State {
  readonly name: string;
}

/** Line breaks, and controls that make a terminal overwrite what it has printed; a tab is neither. */
const FORGING = /(?:(?!\t)[\p{Cc}\p{Zl}\p{Zp}])+/gu;

const NO_PARAMETER = 'this endpoint is misconfigured: its path has no {username}';

/** Lines of text in both directions, letter for letter those of the existing chat clients. */
class ChatCodec implements Codec<State> {
  /** The protocol has no acknowledgements. */
  readonly answers = false;
  readonly membership: Membership<State> = {
    identify,
    event: (_state, event) => eventEffects(event),
    announce: (change) => text(announcement(change)),
    list: () => null,
  };

  /** A member's name is its client ID: `open` is called when the client has the name. */
  open({ clientId: name }: ConnectionInfo): { state: State; effects: readonly Effect[] } {
    // "succesfully" is how the original spells it, and clients may wait for that very line.
    const greeting = `Hi ${name}! You have succesfully connected to the chat`;
    return { state: { name }, effects: [{ type: 'reply', frame: text(greeting) }] };
  }

  frame({ name }: State, data: Buffer, binary: boolean, now: number): readonly Effect[] {
    if (binary) return [{ type: 'close', code: 1003, reason: 'chat takes text' }];
    const message = data.toString('utf8');
    return [publishRoomMessage(name, message, JSON.stringify(message), now)];
  }

  settled(): null {
    return null;
  }

  record(message: Message, now: number): Frame | null {
    return recordFrame(message, now, messageLine, (foreign) => foreign.message);
  }

  dropped(count: number): Frame {
    return text(droppedText(count));
  }
}

export const chat = defineCodec({
  name: 'chat',
  summary: 'Lines of text between members with unique names: joins, messages, leaves.',
  config: z.strictObject({}),
  hasMembers: true,
  checksParams: true,
  readParam: normalised,
  page: 'chat',
  examples: [{}],
  create: () => new ChatCodec(),
});

/** The name is what the configuration gives, or the path's parameter `username`; the age the query's `age`, which may be left out. */
function identify({ name: given, params, query }: ConnectionInfo): Identity {
  const asked = given ?? params.username;
  if (asked === undefined) return refused(NO_PARAMETER);
  const name = normalised(asked);
  const age = query.age === undefined ? undefined : normalised(query.age);
  const reason = refusalOf('name', asked, name) ?? refusalOf('age', query.age ?? '', age ?? '');
  if (reason !== undefined) return refused(reason);
  return {
    type: 'named',
    name,
    details: age === undefined ? {} : { age },
    taken: { code: 1003, reason: 'Username already exists.' },
  };
}

function refused(reason: string): Identity {
  return { type: 'refused', farewell: { code: 1008, reason } };
}

function messageLine({ from, message, json }: RoomMessage): string {
  return oneLine(`${from}: ${typeof message === 'string' ? message : json}`);
}

/** A frame is one line: a second line in it would look like a message of another member, or of the chat. */
function oneLine(line: string): string {
  return line.replace(FORGING, ' ');
}

function announcement({ type, member: { name, details } }: RosterChange): string {
  if (type === 'left') return `${name} left the chat`;
  return details.age === undefined ? `${name} connected to chat` : `${name} with age ${details.age} connected to chat`;
}

/** A close frame has room for 123 bytes of reason (RFC 6455 5.5), and a name may have more. */
function kickReason(by: string): string {
  const reason = `kicked by ${by}`;
  return Buffer.byteLength(reason) <= 123 ? reason : 'kicked';
}

function eventEffects(event: MemberEvent): readonly Effect[] {
  switch (event.type) {
    case 'direct':
      return [{ type: 'reply', frame: text(oneLine(`${event.from} (to you): ${event.content}`)) }];
    case 'kicked':
      return [{ type: 'close', code: 4003, reason: kickReason(event.by) }];
    case 'refused':
      // No line of the chat asks for a direct message or a kick, so none is refused.
      return [];
  }
}
