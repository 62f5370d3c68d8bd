import { limitKeyOf } from '../../core/client-address.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { TidegateError } from '../../core/errors.ts';
import type { Message, Sender, SettleTarget } from '../../core/message.ts';
import type { Permissions } from '../../core/permissions.ts';
import type { SharedBytes } from '../../core/shared-bytes.ts';
import type { Socket } from '../../core/socket.ts';
import type { TopicOutcome, TopicRequest, TopicView } from '../../core/topic-request.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Outbound } from './outbound.ts';
import type { Peer } from './peer.ts';
import { numberPayload } from './pings.ts';
import { type Publisher, rejectionOf } from './publisher.ts';
import { type PendingRequest, Requests, type RequestsOwner } from './requests.ts';
import type { TopicClient } from './topic-clients.ts';

/** A connection whose client works with topics: what it asks the topic service, and what it is answered and sent. */
export class TopicPeer implements TopicClient, SettleTarget, RequestsOwner {
  private readonly peer: Peer;
  private readonly socket: Socket;
  private readonly context: EndpointContext;
  private readonly publisher: Publisher;
  private readonly outbound: Outbound;
  private readonly requests = new Requests(this);

  constructor(peer: Peer, socket: Socket, context: EndpointContext, publisher: Publisher, outbound: Outbound) {
    this.peer = peer;
    this.socket = socket;
    this.context = context;
    this.publisher = publisher;
    this.outbound = outbound;
  }

  get info(): ConnectionInfo {
    return this.peer.info;
  }

  /** For reports about a message of the peer that failed. */
  get sender(): Sender {
    return this.peer.info;
  }

  get permissions(): Permissions {
    return this.peer.permissions;
  }

  get address(): string {
    return limitKeyOf(this.socket.remote);
  }

  /** Requests that are not answered yet, and the bytes that they count for. */
  get count(): number {
    return this.requests.count;
  }

  get bytes(): number {
    return this.requests.bytes;
  }

  // --- from the codec

  /** `size`: bytes of the frame. */
  request(request: TopicRequest, correlation: unknown, size: number): void {
    if (request.type !== 'publish') {
      this.requests.begin(request, correlation, size);
      return;
    }
    const { publisher } = this;
    const refusal = this.service.refusal(this, request.topic);
    if (refusal === undefined) {
      const token = publisher.answers.remember(correlation);
      this.service.publish(request.topic, publisher.begin(request.message, token, correlation, this));
    } else {
      publisher.traceRefusal(refusal.code, refusal.message);
      this.answer(correlation, { ok: false, rejection: rejectionOf(refusal) });
    }
  }

  ask(pending: PendingRequest): void {
    this.service.request(this, pending.request, pending);
  }

  get takesAnswers(): boolean {
    return this.outbound.takesAnswers;
  }

  /** Asks the next question, where the peer has taken the last answer. */
  askNext(): void {
    this.requests.next();
  }

  /** The peer is gone. */
  abandon(): void {
    this.requests.abandon();
  }

  /** What became of a message that was published. */
  settled(message: Message, failure: TidegateError | null): void {
    const { publisher } = this;
    publisher.landed(message);
    const correlation = publisher.answers.recall(message.token);
    const { topic = '', partition, offset } = message;
    this.answer(
      correlation,
      failure === null
        ? { ok: true, result: { type: 'published', position: { topic, partition, offset } } }
        : { ok: false, rejection: rejectionOf(failure) },
    );
    this.peer.settledOne();
  }

  // --- from the topic service

  /** Whether what is written now goes out at once. */
  get isFree(): boolean {
    return this.peer.isOpen && this.outbound.isFree;
  }

  respond(correlation: unknown, outcome: TopicOutcome): void {
    // What the service was given with the request.
    const pending = correlation as PendingRequest;
    this.answer(pending.correlation, outcome);
    this.end(pending);
  }

  /** Answers with a view that is the same for all clients. */
  show(correlation: unknown, view: TopicView): void {
    const pending = correlation as PendingRequest;
    this.context.metrics.answered(null);
    this.context.payloads.want(view, (made) => {
      if (this.peer.isOpen) this.sayShared(pending.correlation, made);
      this.end(pending);
    });
  }

  notify(messages: readonly Message[]): void {
    const { peer, context } = this;
    if (!peer.isOpen) return;
    let frame: Buffer;
    try {
      const notice = context.codec.topics?.notify(peer.state, messages, context.clock.now());
      if (notice === undefined) return;
      frame = context.encode(notice, peer.wire);
    } catch (error) {
      peer.codecFailed('notify', error);
      return;
    }
    this.outbound.deliverAtOnce(frame);
  }

  ping(number: number): void {
    if (this.peer.isOpen) this.socket.ping(numberPayload(number));
  }

  // --- within

  private get service() {
    const { topics } = this.context;
    if (topics !== undefined) return topics;
    // A codec asks for what its endpoint was not given: its spec says something else than it does.
    throw new Error('this endpoint has no topics, though its codec asks for it');
  }

  private answer(correlation: unknown, outcome: TopicOutcome): void {
    const { context, peer } = this;
    context.metrics.answered(outcome.ok ? null : outcome.rejection);
    if (!peer.isOpen) return;
    try {
      const frame = context.codec.topics?.answered(peer.state, correlation, outcome, context.clock.now()) ?? null;
      if (frame !== null) this.publisher.answers.sayNow(context.encode(frame, peer.wire));
    } catch (error) {
      peer.codecFailed('answered', error);
    }
  }

  private sayShared(correlation: unknown, made: SharedBytes | Error): void {
    const { context, peer } = this;
    try {
      if (made instanceof Error) throw made;
      const around = context.codec.topics?.around(peer.state, correlation, context.clock.now());
      if (around === undefined) return;
      const tail = Buffer.from(around.tail);
      const following = made.bytes.length + tail.length;
      // Its middle is the same bytes for all of them.
      const head = context.encode({ data: around.head, binary: false, following }, 'plain');
      this.outbound.writeLong(head, made, tail);
    } catch (error) {
      peer.codecFailed('answered', error);
    }
  }

  private end(pending: PendingRequest): void {
    this.requests.end(pending);
    this.peer.settledOne();
  }
}
