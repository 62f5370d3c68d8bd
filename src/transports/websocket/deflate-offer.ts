import * as ws from 'ws';

// @types/ws does not know this export.
const { extension } = ws as unknown as {
  extension: { parse(header: string): Readonly<Record<string, readonly Offer[] | undefined>> };
};

/** Parameters of an offer, each with all values that it was given; `true` where it has none. */
type Offer = Readonly<Record<string, readonly (string | true)[]>>;

const NAME = 'permessage-deflate';
/** What is compressed refers back so many bits at most; see `deflate`. A peer that cannot go so far back gets nothing compressed. */
export const WINDOW_BITS = 12;
/** Neither side keeps a state between messages: what is compressed once is for all peers. */
const WITHOUT_CONTEXT = `${NAME}; server_no_context_takeover; client_no_context_takeover`;

/** RFC 7692 7.1.2: decimal without leading zeros, from 8 to 15. */
const BITS = /^(?:[89]|1[0-5])$/;

/**
 * The answer to the `Sec-WebSocket-Extensions` of a handshake: the first offer of compression that can be kept; undefined
 * where there is none, and frames go uncompressed (RFC 7692 5.1).
 */
export function deflateAnswer(header: string | undefined): string | undefined {
  const accepted = offersOf(header).find(isAcceptable);
  if (accepted === undefined) return undefined;
  return 'server_max_window_bits' in accepted
    ? `${WITHOUT_CONTEXT}; server_max_window_bits=${WINDOW_BITS}`
    : WITHOUT_CONTEXT;
}

/** A header that cannot be read offers nothing. */
function offersOf(header: string | undefined): readonly Offer[] {
  try {
    return header === undefined ? [] : (extension.parse(header)[NAME] ?? []);
  } catch {
    return [];
  }
}

/** An offer with a parameter that is unknown, invalid or there twice has to be declined (RFC 7692 7). */
function isAcceptable(offer: Offer): boolean {
  return Object.entries(offer).every(([name, [value = '', ...more]]) => more.length === 0 && canKeep(name, value));
}

function canKeep(name: string, value: string | true): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === true;
    case 'server_max_window_bits':
      return value !== true && BITS.test(value) && Number(value) >= WINDOW_BITS;
    case 'client_max_window_bits':
      // Only says that it could be limited; any window can be read.
      return value === true || BITS.test(value);
    default:
      return false;
  }
}
