import fc from 'fast-check';
import type { ConnectionInfo } from '../../core/connection-info.ts';

/** A handshake (RFC 6455 4.1), as a test client makes it. */
export interface Handshake {
  /** Such as `/ws/lobby`, percent-encoded. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/);
/** Anything that can be in a path or a query: spaces, slashes, letters of all languages. */
const value = fc.oneof(word, fc.string({ unit: 'grapheme', maxLength: 20 }));
/** Printable characters, as header values have them (RFC 9110 5.5). */
const headerValue = fc.stringMatching(/^[!-~]{1,20}$/);

const few = <T>(names: readonly string[], values: fc.Arbitrary<T>): fc.Arbitrary<Readonly<Record<string, T>>> =>
  fc.array(fc.tuple(fc.constantFrom(...names), values), { maxLength: 3 }).map((entries) => Object.fromEntries(entries));

const headers = few(['user-agent', 'origin-name', 'x-tenant', 'accept-language', 'x-request-id'], headerValue);

/** Handshakes whose path has up to three parts. */
export const anyHandshake: fc.Arbitrary<Handshake> = fc.record({
  path: fc.array(value, { minLength: 1, maxLength: 3 }).map((parts) => `/${parts.map(encodeURIComponent).join('/')}`),
  query: few(['room', 'token', 'name', 'since'], value),
  headers,
});

/** What a codec learns of a connection. */
export const anyConnection: fc.Arbitrary<ConnectionInfo> = fc.record(
  {
    clientId: fc.uuid(),
    endpoint: word,
    params: few(['room', 'name', 'user'], value),
    query: few(['room', 'name', 'user', 'since'], value),
    name: word,
    renews: fc.boolean(),
    subscribes: fc.boolean(),
    publishes: fc.boolean(),
    headers,
  },
  { requiredKeys: ['clientId', 'endpoint', 'params', 'query'] },
);
