import { hasUnprintable, hasVisible } from './printable.ts';

/** Names that begin so are of connections: `client.` and the ID of one. */
export const CLIENT_PREFIX = 'client.';

const MAX_LENGTH = 255;
/** Most names are of these characters alone, and names are looked at for each record. */
const PLAIN = /^ *[\x21-\x7e][\x20-\x7e]*$/;
/**
 * Selectors that belong to an emoji, as keyboards write it: in colour where it would be a text without one, or in a keycap; as a
 * text where it would be in colour.
 */
const EMOJI_STYLE =
  /(?<=(?!\p{Emoji_Presentation}|[0-9#*])\p{Emoji})\ufe0f|(?<=[0-9#*])\ufe0f(?=\u20e3)|(?<=\p{Emoji_Presentation})\ufe0e/gu;

/** Whether it is the name of a channel: 1 to 255 printable characters (UTF-16 units), not only spaces. */
export function isChannelName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length > MAX_LENGTH) return false;
  return PLAIN.test(value) || (hasVisible(value) && !hasUnprintable(value.replace(EMOJI_STYLE, '')));
}

/** Whether the channel belongs to one connection, which nothing else can be subscribed to. */
export function isReserved(channel: string): boolean {
  return channel.startsWith(CLIENT_PREFIX);
}

/** What a name has to be, for messages. */
export const CHANNEL_NAME_RULE = `the name of a channel has 1 to ${MAX_LENGTH} printable characters`;
