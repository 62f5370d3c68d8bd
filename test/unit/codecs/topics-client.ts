import assert from 'node:assert/strict';
import { topics } from '../../../src/codecs/topics/index.ts';
import type { Codec } from '../../../src/core/component.ts';
import type { Effect } from '../../../src/core/effect.ts';
import type { Rejection } from '../../../src/core/errors.ts';
import type { Frame } from '../../../src/core/frame.ts';
import type { Message } from '../../../src/core/message.ts';
import type { TopicProtocol } from '../../../src/core/topic-protocol.ts';
import type { TopicOutcome, TopicRequest, TopicResult, TopicView } from '../../../src/core/topic-request.ts';
import { make, NOW, only } from './made.ts';

/** One client of the protocol, without a socket. */
export class ProtocolClient {
  readonly codec: Codec;
  readonly protocol: TopicProtocol;
  readonly state: unknown;
  /** Of the connection itself. */
  readonly effects: readonly Effect[];

  constructor(config: unknown = {}, renews = false) {
    this.codec = make(topics, config);
    if (this.codec.topics === undefined) throw new Error('the codec has no topic protocol');
    this.protocol = this.codec.topics;
    const { state, effects } = this.codec.open({ clientId: 'c', endpoint: 'e', params: {}, query: {}, renews }, NOW);
    this.state = state;
    this.effects = effects;
  }

  frame(data: string | Buffer, binary = false): readonly Effect[] {
    return this.codec.frame(this.state, Buffer.from(data), binary, NOW);
  }

  send(message: unknown): readonly Effect[] {
    return this.frame(JSON.stringify(message));
  }

  /** The request that the gateway gets. */
  ask(message: unknown): TopicRequest {
    return requested(this.send(message)).request;
  }

  answered(correlation: unknown, outcome: TopicOutcome): string | null {
    const answer = this.protocol.answered(this.state, correlation, outcome, NOW);
    if (answer === null) return null;
    assert.equal(answer.binary, false);
    return String(answer.data);
  }

  /** The reply to a request that succeeds with that result. */
  succeed(message: unknown, result: TopicResult): string | null {
    return this.answered(requested(this.send(message)).correlation, { ok: true, result });
  }

  /** The reply to a request that fails. */
  fail(message: unknown, rejection: Rejection): string | null {
    return this.answered(requested(this.send(message)).correlation, { ok: false, rejection });
  }

  /** The reply to a request for a list or for health. */
  show(message: unknown, view: TopicView): string {
    const { head, tail } = this.protocol.around(this.state, requested(this.send(message)).correlation, NOW);
    return `${head}${[...this.protocol.payload(view)].join('')}${tail}`;
  }

  refusal(message: unknown): ReturnType<typeof refusal> {
    return refusal(this.send(message));
  }

  notify(messages: readonly Message[]): Frame {
    return this.protocol.notify(this.state, messages, NOW);
  }
}

export function requested(effects: readonly Effect[]): { request: TopicRequest; correlation: unknown } {
  const effect = only(effects);
  if (effect.type !== 'request') throw new Error(`expected a request, got ${JSON.stringify(effect)}`);
  return { request: effect.request, correlation: effect.correlation };
}

/** The reply that refuses a message at once, and the label of its counter. */
export function refusal(effects: readonly Effect[]): { label: string | undefined; reply: Record<string, unknown> } {
  const effect = only(effects);
  if (effect.type !== 'reply') throw new Error(`expected a reply, got ${JSON.stringify(effect)}`);
  assert.equal(effect.frame.binary, false);
  const reply = JSON.parse(String(effect.frame.data)) as Record<string, unknown>;
  // A dead letter of the frame has the reason that the client gets.
  assert.ok(effect.why !== undefined && JSON.stringify(reply).includes(JSON.stringify(effect.why)), effect.why);
  return { label: effect.rejected, reply };
}
