import type { IntroductionRefusal, Renewal } from '../../core/component.ts';
import type { CodecMessage } from '../../core/content.ts';
import type { Effect } from '../../core/effect.ts';
import type { Frame } from '../../core/frame.ts';
import type { TopicRequest } from '../../core/topic-request.ts';
import type { Answers } from './answers.ts';
import { type ChannelPeer, NO_CHANNELS } from './channel-peer.ts';
import type { EndpointContext } from './endpoint-context.ts';
import type { Introduction } from './introduction.ts';
import type { Peer } from './peer.ts';
import type { Publisher } from './publisher.ts';
import { whyRefused } from './refused-frame.ts';
import { RestOfFrames } from './rest-of-frames.ts';
import type { TopicPeer } from './topic-peer.ts';

/** What a direct message or a kick counts for beside its content, in bytes. */
const ORDER_COST = 256;

/**
 * What is said with one peer, by the codec: what its frames mean, and what it is to do about them. A codec that throws
 * costs its connection, and nothing else.
 */
export class Conversation {
  private readonly peer: Peer;
  private readonly context: EndpointContext;
  private readonly publisher: Publisher;
  /** Undefined where the codec knows no topics. */
  private readonly topicPeer: TopicPeer | undefined;
  /** Undefined where clients are not subscribed to channels. */
  private readonly channelPeer: ChannelPeer | undefined;
  /** Bytes of the frame that is being read. */
  private frameBytes = 0;
  private rest: RestOfFrames | undefined;

  constructor(
    peer: Peer,
    context: EndpointContext,
    publisher: Publisher,
    topicPeer: TopicPeer | undefined,
    channelPeer: ChannelPeer | undefined,
  ) {
    this.peer = peer;
    this.context = context;
    this.publisher = publisher;
    this.topicPeer = topicPeer;
    this.channelPeer = channelPeer;
  }

  get answers(): Answers {
    return this.publisher.answers;
  }

  /** Whether the peer has as much in flight as it may. */
  get isFull(): boolean {
    const { limits } = this.context;
    return this.pending >= limits.messages || this.pendingBytes >= limits.bytes;
  }

  /** Whether so little is in flight that a peer that was full may go on. */
  get isHalfFree(): boolean {
    const { limits } = this.context;
    return this.pending <= limits.messages / 2 && this.pendingBytes <= limits.bytes / 2;
  }

  /** Bytes of answers that wait for the outcome of a message before them. */
  get waitingAnswers(): number {
    return this.publisher.answers.waitingBytes;
  }

  /** Bytes of what waits: answers, requests, and what is to be done when the client is in. */
  get heldBytes(): number {
    const { introduction } = this.peer;
    const early = introduction === undefined ? 0 : introduction.heldBytes;
    return this.waitingAnswers + this.requestBytes + early + (this.rest?.bytes ?? 0);
  }

  private get requestBytes(): number {
    return this.topicPeer === undefined ? 0 : this.topicPeer.bytes;
  }

  private get pending(): number {
    const { inFlight } = this.publisher;
    return this.topicPeer === undefined ? inFlight : inFlight + this.topicPeer.count;
  }

  private get pendingBytes(): number {
    return this.publisher.inFlightBytes + this.requestBytes;
  }

  greet(): void {
    const { peer, context } = this;
    try {
      const { state, effects } = context.codec.open(peer.info, context.clock.now());
      peer.state = state;
      this.apply(effects);
    } catch (error) {
      peer.codecFailed('open', error);
    }
  }

  /** The client has said who it is: calls back as soon as it can hear in which channels it is. */
  gather({ since }: Introduction, then: () => void): void {
    const { peer, channelPeer } = this;
    if (channelPeer === undefined) then();
    else channelPeer.gather(peer.session?.access.channels ?? [], since, then);
  }

  /** The client has said who it is, and is in: it hears so first. What it has asked for behind that is done then. */
  letIn(introduction: Introduction): void {
    const { peer, context, channelPeer } = this;
    const { session, info } = peer;
    try {
      const frame = context.codec.introduction?.accepted(
        peer.state,
        introduction.correlation,
        {
          connection: info,
          expires: info.renews === true ? session?.access.identity?.expires : undefined,
          channels: channelPeer?.joined ?? NO_CHANNELS,
          pingInterval: context.pingInterval,
        },
        context.clock.now(),
      );
      if (frame !== undefined) this.answers.sayNow(context.encode(frame, peer.wire));
      channelPeer?.release();
      this.carryOut(introduction.takeDeferred());
    } catch (error) {
      peer.codecFailed('accepted', error);
    }
  }

  /** The client is not let in, by what it has said of itself. */
  refuse(correlation: unknown, refusal: IntroductionRefusal): void {
    const { peer, context } = this;
    context.metrics.tokenChecked(
      refusal.status === 503 ? 'unchecked' : refusal.status === 401 ? 'refused' : 'forbidden',
    );
    try {
      this.carryOut(context.codec.introduction?.refused(peer.state, correlation, refusal, context.clock.now()) ?? []);
    } catch (error) {
      peer.codecFailed('refused', error);
    }
  }

  /** False where the codec gave the connection up. */
  take(data: Buffer, binary: boolean): boolean {
    const { peer, context } = this;
    this.frameBytes = data.length;
    try {
      const effects = context.codec.frame(peer.state, data, binary, context.clock.now());
      if (context.keepsRejected) this.keepRejected(effects, data, binary);
      this.apply(effects);
      return true;
    } catch (error) {
      peer.codecFailed('frame', error);
      return false;
    }
  }

  /** The frame that reports so many dropped records to the peer; null where it gets none. */
  dropNotice(count: number): Buffer | null {
    const { peer, context } = this;
    try {
      const notice = context.codec.dropped(count, context.clock.now());
      return notice === null ? null : context.encode(notice, peer.wire);
    } catch (error) {
      peer.codecFailed('dropped', error);
      return null;
    }
  }

  /** Says what the codec makes of it, with no place among the answers. */
  sayAtOnce(step: string, make: (renewal: Renewal) => Frame | null): void {
    const { peer, context } = this;
    const { renewal } = context.codec;
    if (renewal === undefined || !peer.isOpen) return;
    try {
      const frame = make(renewal);
      if (frame !== null) this.answers.sayNow(context.encode(frame, peer.wire));
    } catch (error) {
      peer.codecFailed(step, error);
    }
  }

  /** Does what the codec wants; what is for clients that are in waits until this one is. */
  apply(effects: readonly Effect[]): void {
    const { introduction } = this.peer;
    if (introduction === undefined) this.carryOut(effects);
    else introduction.apply(effects, this.frameBytes);
  }

  /** Does what the codec wants, of any client. One frame may ask for thousands of large answers: the rest waits until they are taken. */
  carryOut(effects: readonly Effect[]): void {
    for (let at = 0; at < effects.length; at += 1) {
      if (at > 0 && this.answers.areMany) {
        this.rest ??= new RestOfFrames();
        this.rest.keep(effects.slice(at), this.frameBytes);
        return;
      }
      this.doOne(effects[at] as Effect);
    }
  }

  /** Whether a frame is done in part. */
  get hasRest(): boolean {
    return this.rest?.isThere === true;
  }

  /** Goes on with what is left of a frame, as far as the peer has taken the answers before it. */
  goOn(): void {
    const { peer } = this;
    if (this.rest === undefined || this.answers.areMany) return;
    this.rest.goOn((effects, bytes) => {
      this.frameBytes = bytes;
      try {
        if (peer.isOpen) this.carryOut(effects);
      } catch (error) {
        peer.codecFailed('frame', error);
      }
    });
    if (this.rest?.isThere === false) this.rest = undefined;
  }

  forgetRest(): void {
    this.rest?.forget();
  }

  private doOne(effect: Effect): void {
    switch (effect.type) {
      case 'publish':
        if (effect.channel === undefined) this.publisher.publish(effect.message, effect.correlation);
        else this.publishTo(effect.channel, effect.message, effect.correlation);
        break;
      case 'reply':
        this.reply(effect.frame, effect.rejected);
        break;
      case 'close':
        this.peer.dismiss(effect);
        break;
      case 'direct':
        this.direct(effect.to, effect.content);
        break;
      case 'kick':
        this.kick(effect.target);
        break;
      case 'request':
        this.request(effect.request, effect.correlation);
        break;
      case 'introduce':
        missing('introduction now');
        break;
      case 'renew':
        (this.peer.session ?? missing('session')).renew(effect.token, effect.correlation);
        break;
      case 'subscribe':
        (this.channelPeer ?? missing('channels')).subscribe(effect);
        break;
      case 'unsubscribe':
        (this.channelPeer ?? missing('channels')).unsubscribe(effect.channel, effect.correlation);
        break;
      case 'presence':
        (this.channelPeer ?? missing('channels')).presence(effect.channel, effect.counts, effect.correlation);
        break;
      case 'history':
        (this.channelPeer ?? missing('channels')).history(effect.channel, effect.query, effect.correlation);
        break;
    }
  }

  private publishTo(channel: string, message: CodecMessage, correlation: unknown): void {
    const channelPeer = this.channelPeer ?? missing('channels');
    const refusal = channelPeer.mayPublish(channel);
    if (refusal === undefined) this.publisher.publish(message, correlation, channel);
    else if (this.context.codec.answers) this.publisher.refuse(message, correlation, refusal);
    else channelPeer.refused(channel, correlation, refusal);
  }

  private direct(to: string, content: string): void {
    const { room, guest } = this.inRoom();
    room.direct(guest, to, content, this.publisher.began(ORDER_COST + Buffer.byteLength(content)));
  }

  private kick(target: string | undefined): void {
    const { room, guest } = this.inRoom();
    room.kick(guest, target, this.publisher.began(ORDER_COST));
  }

  private inRoom() {
    const { room } = this.context;
    const { guest } = this.peer;
    return room === undefined || guest === undefined ? missing('room') : { room, guest };
  }

  private request(request: TopicRequest, correlation: unknown): void {
    const topicPeer = this.topicPeer ?? missing('topics');
    topicPeer.request(request, correlation, this.frameBytes);
  }

  private keepRejected(effects: readonly Effect[], data: Buffer, binary: boolean): void {
    const reason = whyRefused(effects);
    if (reason !== undefined) this.publisher.publishRefused(data, binary, reason);
  }

  private reply(frame: Frame, rejected: string | undefined): void {
    if (rejected !== undefined) {
      this.context.metrics.rejected(rejected);
      this.publisher.traceRefusal(rejected, frame.data);
    }
    this.publisher.answers.say(this.context.encode(frame, this.peer.wire));
  }
}

/** The codec returned an effect that its endpoint does not support: its spec does not declare it. */
function missing(what: string): never {
  throw new Error(`this endpoint has no ${what}, though its codec asks for it`);
}
