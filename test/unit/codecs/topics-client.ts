import assert from 'node:assert/strict';
import { topics } from '../../../src/codecs/topics/index.ts';
import type { Effect } from '../../../src/core/component.ts';
import type { Rejection } from '../../../src/core/errors.ts';
import type { Message } from '../../../src/core/message.ts';
import type { TopicOutcome, TopicRequest, TopicResult } from '../../../src/core/topic-request.ts';
import { make, NOW, only } from './made.ts';

/** One client of the protocol, without a socket. */
export function connect(config: unknown = {}) {
  const codec = make(topics, config);
  const protocol = codec.topics;
  if (protocol === undefined) throw new Error('the codec knows nothing of topics');
  const { state, effects } = codec.open({ clientId: 'c', endpoint: 'e', params: {}, query: {} }, NOW);
  const frame = (data: string | Buffer, binary = false) => codec.frame(state, Buffer.from(data), binary, NOW);
  const send = (message: unknown) => frame(JSON.stringify(message));
  const answered = (correlation: unknown, outcome: TopicOutcome) => {
    const answer = protocol.answered(state, correlation, outcome, NOW);
    if (answer === null) return null;
    assert.equal(answer.binary, false);
    return String(answer.data);
  };
  return {
    codec,
    protocol,
    answered,
    state,
    effects,
    frame,
    send,
    /** What the gateway is asked for. */
    ask: (message: unknown): TopicRequest => requested(send(message)).request,
    /** The reply as text to a request that ends so. */
    succeed: (message: unknown, result: TopicResult) =>
      answered(requested(send(message)).correlation, { ok: true, result }),
    fail: (message: unknown, rejection: Rejection) =>
      answered(requested(send(message)).correlation, { ok: false, rejection }),
    refusal: (message: unknown) => refusal(send(message)),
    notify: (messages: readonly Message[]) => protocol.notify(state, messages, NOW),
  };
}

export function requested(effects: readonly Effect[]): { request: TopicRequest; correlation: unknown } {
  const effect = only(effects);
  if (effect.type !== 'request') throw new Error(`expected a request, got ${JSON.stringify(effect)}`);
  return { request: effect.request, correlation: effect.correlation };
}

/** The reply that refuses a message at once, and the label it is counted under. */
export function refusal(effects: readonly Effect[]): { label: string | undefined; reply: Record<string, unknown> } {
  const effect = only(effects);
  if (effect.type !== 'reply') throw new Error(`expected a reply, got ${JSON.stringify(effect)}`);
  assert.equal(effect.frame.binary, false);
  const reply = JSON.parse(String(effect.frame.data)) as Record<string, unknown>;
  // A dead letter of the frame says what the client is told.
  assert.ok(effect.why !== undefined && JSON.stringify(reply).includes(JSON.stringify(effect.why)), effect.why);
  return { label: effect.rejected, reply };
}
