import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateAnswer } from '../../../../src/transports/websocket/deflate-offer.ts';

const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

for (const [offer, answer] of [
  [undefined, undefined],
  ['', undefined],
  ['permessage-bzip2', undefined],
  ['permessage-deflate', ANSWER],
  ['permessage-deflate; client_max_window_bits', ANSWER],
  ['permessage-deflate; client_max_window_bits=10; client_no_context_takeover', ANSWER],
  ['permessage-deflate; server_no_context_takeover', ANSWER],
  ['permessage-deflate; server_max_window_bits=12', `${ANSWER}; server_max_window_bits=12`],
  ['permessage-deflate; server_max_window_bits="15"', `${ANSWER}; server_max_window_bits=12`],
  // What is compressed for all goes further back than these clients could.
  ['permessage-deflate; server_max_window_bits=11', undefined],
  ['permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits', ANSWER],
  // RFC 7692 7.1: unknown and repeated parameters, and values that cannot be.
  ['permessage-deflate; strength=9', undefined],
  ['permessage-deflate; server_max_window_bits', undefined],
  ['permessage-deflate; server_max_window_bits=16', undefined],
  ['permessage-deflate; server_max_window_bits=012', undefined],
  ['permessage-deflate; client_max_window_bits=7', undefined],
  ['permessage-deflate; client_max_window_bits=08', undefined],
  ['permessage-deflate; server_no_context_takeover=true', undefined],
  ['permessage-deflate; client_no_context_takeover=1', undefined],
  ['permessage-deflate; client_no_context_takeover; client_no_context_takeover', undefined],
  ['permessage-deflate; __proto__', undefined],
  ['permessage-deflate;; =', undefined],
  ['x-unknown, permessage-deflate', ANSWER],
] as const) {
  test(`an offer of ${JSON.stringify(offer)} is ${answer === undefined ? 'declined' : 'accepted'}`, () => {
    assert.equal(deflateAnswer(offer), answer);
  });
}
