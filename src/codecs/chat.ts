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
import { droppedText, publishSaid, recordFrame, type Said, text } from './said.ts';

interface State {
  readonly name: string;
}

/** Code points that a name or an age may have. */
const MAX_LENGTH = 64;
/**
 * No controls, formats, lone surrogates, line or paragraph separators: they could forge lines and twins. The
 * joiners are formats too, but many scripts and emoji cannot be written without them.
 */
const PRINTABLE = /^(?:[\u200c\u200d]|[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}])*$/u;
/** Something to be seen: joiners, fillers and variation selectors alone look like no name at all. */
const VISIBLE = /[^\p{Z}\p{Default_Ignorable_Code_Point}]/u;

const NAME_RULE = 'the name in the path must have 1 to 64 printable characters';
const AGE_RULE = 'the age must have at most 64 printable characters';
const NO_PARAMETER = 'this endpoint is misconfigured: its path has no {username}';

/** Lines of text in both directions, letter for letter those of the chat that its clients know (S5). */
class ChatCodec implements Codec<State> {
  /** The protocol has no acknowledgements. */
  readonly answers = false;
  readonly membership: Membership<State> = {
    identify,
    event: (_state, event) => eventEffects(event),
    announce: (change) => text(announcement(change)),
    list: () => null,
  };

  /** A member's name is its client ID: `open` is asked once the name is its own. */
  open({ clientId: name }: ConnectionInfo): { state: State; effects: readonly Effect[] } {
    // "succesfully" is how the original spells it, and clients may wait for that very line.
    const greeting = `Hi ${name}! You have succesfully connected to the chat`;
    return { state: { name }, effects: [{ type: 'reply', frame: text(greeting) }] };
  }

  frame({ name }: State, data: Buffer, binary: boolean, now: number): readonly Effect[] {
    if (binary) return [{ type: 'close', code: 1003, reason: 'chat takes text' }];
    const message = data.toString('utf8');
    return [publishSaid(name, message, JSON.stringify(message), now)];
  }

  settled(): null {
    return null;
  }

  record(message: Message, now: number): Frame | null {
    return recordFrame(message, now, sayLine, (foreign) => foreign.message);
  }

  dropped(count: number): Frame {
    return text(droppedText(count));
  }
}

export const chat = defineCodec({
  name: 'chat',
  summary: 'Lines of text between members with unique names: who joins, what is said, who leaves.',
  config: z.strictObject({}),
  hasMembers: true,
  checksParams: true,
  page: 'chat',
  examples: [{}],
  create: () => new ChatCodec(),
});

/** The name is the path's parameter `username`, the age the query's `age`, which may be left out. */
function identify({ params, query }: ConnectionInfo): Identity {
  if (params.username === undefined) return refused(NO_PARAMETER);
  const name = normalised(params.username);
  if (!isPrintable(name) || !VISIBLE.test(name)) return refused(NAME_RULE);
  const age = query.age === undefined ? undefined : normalised(query.age);
  if (age !== undefined && !isPrintable(age)) return refused(AGE_RULE);
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

/** One spelling for what looks the same: an é of one code point or of two is one name (Unicode UAX 15, form C). */
function normalised(words: string): string {
  return words.trim().normalize('NFC');
}

function isPrintable(words: string): boolean {
  return PRINTABLE.test(words) && [...words].length <= MAX_LENGTH;
}

function sayLine({ from, message, json }: Said): string {
  return `${from}: ${typeof message === 'string' ? message : json}`;
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
      return [{ type: 'reply', frame: text(`${event.from} (to you): ${event.content}`) }];
    case 'kicked':
      return [{ type: 'close', code: 4003, reason: kickReason(event.by) }];
    case 'refused':
      // No line of the chat asks for a direct message or a kick, so none is refused.
      return [];
  }
}
