/** Whether a client should reconnect after a close, and how soon. */
type Reconnect = 'yes' | 'no' | 'after a pause' | 'with another token';

interface CloseCode {
  readonly code: number;
  readonly reason: string;
  readonly reconnect: Reconnect;
  readonly meaning: string;
}

/** Every close code that Tidegate sends (RFC 6455 7.4, IANA WebSocket close code registry; 4000-4999 are ours). */
export const CLOSE_CODES = {
  protocol: {
    code: 1002,
    reason: 'protocol error',
    reconnect: 'no',
    meaning: 'A frame breaks RFC 6455: it is not masked, has a reserved bit or opcode, or comes out of order.',
  },
  unsupported: {
    code: 1003,
    reason: 'unsupported data',
    reconnect: 'no',
    meaning: 'The endpoint does not take this kind of data.',
  },
  invalid: { code: 1007, reason: 'invalid UTF-8', reconnect: 'no', meaning: 'A text frame is not valid UTF-8.' },
  slow: {
    code: 1008,
    reason: 'slow',
    reconnect: 'after a pause',
    meaning: 'The client reads more slowly than the endpoint allows.',
  },
  refused: {
    code: 1008,
    reason: 'refused',
    reconnect: 'no',
    meaning: 'The client cannot be let in as it asked: its name or path is not acceptable.',
  },
  tooBig: {
    code: 1009,
    reason: 'message too big',
    reconnect: 'no',
    meaning: 'A message is larger than max_payload, or came in too slowly to be kept.',
  },
  failed: {
    code: 1011,
    reason: 'internal error',
    reconnect: 'after a pause',
    meaning: 'The gateway could not go on with this connection.',
  },
  restart: {
    code: 1012,
    reason: 'service restart',
    reconnect: 'yes',
    meaning: 'The gateway stops; another one, or its successor, takes over.',
  },
  overloaded: {
    code: 1013,
    reason: 'try again later',
    reconnect: 'after a pause',
    meaning: 'The gateway is short of memory and gave this connection up.',
  },
  kicked: {
    code: 4003,
    reason: 'kicked',
    reconnect: 'no',
    meaning: 'Another client, or an operator, has sent this one away.',
  },
  unauthenticated: {
    code: 4401,
    reason: 'token expired',
    reconnect: 'with another token',
    meaning: 'The client has shown no valid token: in its handshake, or in time after its token expired.',
  },
  forbidden: {
    code: 4403,
    reason: 'not allowed',
    reconnect: 'with another token',
    meaning: 'The endpoint does not let this client in, or what its new token says is not allowed.',
  },
  silent: {
    code: 4408,
    reason: 'no introduction',
    reconnect: 'yes',
    meaning: 'The client has not said in time who it is, in a protocol whose clients do so in their first command.',
  },
  limited: {
    code: 4429,
    reason: 'too many messages',
    reconnect: 'after a pause',
    meaning: 'The client sends more than limits of the endpoint allows.',
  },
} as const satisfies Record<string, CloseCode>;

export type CloseName = keyof typeof CLOSE_CODES;
