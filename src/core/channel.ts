/** Names that begin so are of connections: `client.` and the ID of one. */
export const CLIENT_PREFIX = 'client.';

const MAX_LENGTH = 255;
/** Most names are of these characters alone, and names are looked at for each record. */
const PLAIN = /^[\x20-\x7e]{1,255}$/;
/** Controls, halves of surrogate pairs, what has no width, and what ends a line: two names would look like one. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;

/** Whether it is the name of a channel: 1 to 255 printable characters (UTF-16 units). */
export function isChannelName(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  return PLAIN.test(value) || (value.length > 0 && value.length <= MAX_LENGTH && !UNPRINTABLE.test(value));
}

/** Whether the channel belongs to one connection, which nothing else can be subscribed to. */
export function isReserved(channel: string): boolean {
  return channel.startsWith(CLIENT_PREFIX);
}

/** What a name has to be, for messages. */
export const CHANNEL_NAME_RULE = `the name of a channel has 1 to ${MAX_LENGTH} printable characters`;
