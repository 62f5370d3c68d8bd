import type { Access } from '../../core/access.ts';
import type { IntroductionRefusal } from '../../core/component.ts';
import type { ConnectionInfo } from '../../core/connection-info.ts';
import type { Effect } from '../../core/effect.ts';
import type { Rejection } from '../../core/errors.ts';
import { knownInfo } from './connection-info.ts';
import type { ConnectionParts } from './connection-parts.ts';
import type { EndpointContext } from './endpoint-context.ts';
import { Introduction, type IntroductionOwner } from './introduction.ts';
import type { Peer } from './peer.ts';
import { Session, type SessionOwner } from './session.ts';

/** The connection that a client enters by. */
export interface EntryOwner extends Peer {
  info: ConnectionInfo;
  readonly parts: ConnectionParts;
  /** It is known who the client is: it may be let in. */
  introduced(): void;
  /** Something that the connection may be held for is over. */
  wake(): void;
}

/** Who the client of a connection is: by its handshake or its first command, and by the tokens that it shows from then on. */
export class Entry implements SessionOwner, IntroductionOwner {
  private readonly owner: EntryOwner;
  private readonly context: EndpointContext;
  private known: Session | undefined;
  private awaited: Introduction | undefined;

  /** `access`: what the handshake has shown. */
  constructor(owner: EntryOwner, context: EndpointContext, access: Access | undefined) {
    this.owner = owner;
    this.context = context;
    this.awaited =
      context.codec.introduction === undefined
        ? undefined
        : new Introduction(this, context, context.access, access, owner.info);
    this.known = this.sessionFor(access);
  }

  get session(): Session | undefined {
    return this.known;
  }

  get introduction(): Introduction | undefined {
    return this.awaited;
  }

  get isOpen(): boolean {
    return this.owner.isOpen;
  }

  get isAdmitted(): boolean {
    return this.owner.isAdmitted;
  }

  /** The client is in. */
  takeIntroduction(): Introduction | undefined {
    const { awaited } = this;
    this.awaited = undefined;
    return awaited;
  }

  dismiss(...farewell: Parameters<Peer['dismiss']>): void {
    this.owner.dismiss(...farewell);
  }

  failed(error: unknown): void {
    this.owner.failed(error);
  }

  // --- from its session

  askForToken(within: number): void {
    const now = this.context.clock.now();
    this.owner.parts.conversation.sayAtOnce('ask', (renewal) => renewal.ask(this.owner.state, within, now));
  }

  answerToken(correlation: unknown, rejection: Rejection | null, expires: number | undefined): void {
    const now = this.context.clock.now();
    this.owner.parts.conversation.sayAtOnce('renewed', (renewal) =>
      renewal.renewed(this.owner.state, correlation, rejection, now, expires),
    );
  }

  accessChanged(): boolean {
    const { publisher, topicPeer, channelPeer } = this.owner.parts;
    publisher.forgetMeta();
    channelPeer?.accessChanged(this.known?.access.channels ?? []);
    return topicPeer === undefined || this.context.topics?.mayContinue(topicPeer) !== false;
  }

  // --- from its introduction

  carryOut(effects: readonly Effect[]): void {
    this.owner.parts.conversation.carryOut(effects);
  }

  introduced(access: Access | undefined): void {
    const { context, owner } = this;
    if (this.known === undefined && access !== undefined) {
      this.known = this.sessionFor(access);
      owner.parts.inbound.paceBy(context.clientLimits?.enter(access.identity));
      owner.info = knownInfo(owner.info, context, access);
    }
    owner.introduced();
  }

  notIntroduced(correlation: unknown, refusal: IntroductionRefusal): void {
    this.owner.parts.conversation.refuse(correlation, refusal);
    this.owner.wake();
  }

  private sessionFor(access: Access | undefined): Session | undefined {
    const { context, owner } = this;
    const port = context.access;
    return port === undefined || access === undefined
      ? undefined
      : new Session(this, context, port, access, owner.info);
  }
}
