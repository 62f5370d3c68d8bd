import type { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import { Link, type LinkOwner } from '../connection/link.ts';
import type { Server } from '../connection/server.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import { whenAll } from '../queues/when-all.ts';
import type { ReplaceCause } from '../reports/metrics.ts';
import type { Overlap } from './overlap.ts';

export interface LinksOptions {
  readonly server: Server;
  /** Milliseconds in which the connection that is replaced is still read; undefined: it is closed first. */
  readonly overlap: number | undefined;
  readonly makeOverlap: (backlog: BacklogHandler) => Overlap;
}

/** What the links of a server report to its channel. */
export interface LinksHandler {
  /** A number that no connection of the server has had. */
  nextConnection(): number;
  /** Resolves once `lastCursor` is that of the messages so far; undefined if it is. */
  whenCursorKnown(): Promise<unknown> | undefined;
  lastCursor(): unknown;
  /** Messages can be received, for the first time or after `lost`. */
  live(): void;
  frame(data: Buffer, binary: boolean, connection: number): void;
  /** A message that is no record, but may have a number. */
  numbered(data: Buffer, connection: number): void;
  /** There is no live connection. */
  lost(end: RemoteEnd, heardAt: number): void;
  /** Two connections are live. */
  doubled(): void;
  /** The old one of two connections is gone, and the new one is live. */
  replaced(): void;
  failed(failure: TidegateError): void;
}

/**
 * The connections to one server: one, and while it is being replaced with an overlap two. The new one is made beside the
 * old one and tried until it is live; if the old one is lost meanwhile, the new one takes its place at once.
 */
export class Links implements LinkOwner {
  private readonly options: LinksOptions;
  private readonly handler: LinksHandler;
  private current: Link;
  private next: Link | undefined;
  /** The one that is being closed, as `current` has replaced it. */
  private leaving: Link | undefined;
  private overlap: Overlap | undefined;
  private cause: ReplaceCause = 'age';
  /** Whether there was an overlap before. */
  private hasOverlapped = false;
  private isStopping = false;
  /** Whether too many messages wait for their keys. */
  private isBehind = false;
  private pausing: { readonly forGood: boolean } | undefined;
  private cancelTimer: () => void = () => {};

  constructor(options: LinksOptions, handler: LinksHandler) {
    this.options = options;
    this.handler = handler;
    this.current = new Link(options.server, this, handler.nextConnection());
  }

  get isLive(): boolean {
    return this.all.some(({ isUsable }) => isUsable);
  }

  get state(): string {
    return this.current.dialer.state;
  }

  /** The state of the connection that is to replace the current one. */
  get nextState(): string | undefined {
    return this.next?.dialer.state;
  }

  get notLiveReason(): string | undefined {
    return this.current.dialer.notLiveReason ?? this.next?.dialer.notLiveReason;
  }

  open(): void {
    this.current.dialer.open();
  }

  /** Answers a message on the connection with this number, if it is still there. */
  answer(make: AnswerTemplate, message: Message, connection: number): void {
    this.all.find((link) => link.number === connection && link.isUsable)?.dialer.answer(make, message);
  }

  /** The symbols have changed. */
  resubscribe(): void {
    for (const { dialer } of this.all) dialer.resubscribe();
  }

  pause(forGood: boolean): void {
    this.pausing = { forGood };
    if (forGood) {
      this.isStopping = true;
      this.cancelTimer();
      this.overlap?.release();
    }
    for (const { dialer } of this.all) dialer.pause({ forGood });
  }

  resume(): void {
    this.pausing = undefined;
    if (!this.isBehind) for (const { dialer } of this.all) dialer.resume();
  }

  /** Calls back once all messages that were received are passed on. */
  whenDecided(done: () => void): void {
    const decided = () => {
      if (this.overlap === undefined) done();
      else this.overlap.inTurn(done);
    };
    whenAll(
      this.all.map(
        ({ dialer }) =>
          (one) =>
            dialer.whenDecided(one),
      ),
      decided,
    );
  }

  /** Resolves when there is no socket any more. */
  async close(): Promise<void> {
    this.isStopping = true;
    this.cancelTimer();
    this.overlap?.end();
    await Promise.all(this.all.map(({ dialer }) => dialer.close()));
  }

  // --- from the links

  connects(link: Link): Promise<unknown> | undefined {
    if (link === this.next || this.leaving !== undefined) this.overlap?.asked();
    return this.handler.whenCursorKnown();
  }

  lastCursor(): unknown {
    return this.handler.lastCursor();
  }

  live(link: Link): void {
    if (link !== this.next) {
      this.handler.live();
      return;
    }
    this.overlap?.live();
    this.handler.doubled();
    if (this.isStopping) return;
    const { server, overlap = 0 } = this.options;
    this.cancelTimer = server.context.clock.after(overlap, () => this.retire());
  }

  frame(link: Link, data: Buffer, binary: boolean, isRecord: boolean): void {
    const { overlap, handler } = this;
    if (overlap === undefined) {
      if (isRecord) handler.frame(data, binary, link.number);
      else handler.numbered(data, link.number);
      return;
    }
    const isNew = link === this.next || (link === this.current && this.next === undefined);
    overlap.take(isNew ? 'new' : 'old', { data, binary, connection: link.number, isRecord });
    if (overlap.isOver) this.overlap = undefined;
  }

  lost(link: Link, end: RemoteEnd, heardAt: number): void {
    link.number = this.handler.nextConnection();
    if (link === this.next) {
      this.cancelTimer();
      this.overlap?.lost();
    } else if (this.next === undefined) {
      if (this.leaving === undefined) this.endOverlap();
      else this.overlap?.lostLast();
      this.handler.lost(end, heardAt);
    } else this.takePlace(this.next, end, heardAt);
  }

  takesOver(link: Link, cause: ReplaceCause, why: () => string): boolean {
    const { server, overlap } = this.options;
    // While the gateway stops, the connection is about to be closed for good.
    if (this.isStopping) return true;
    if (overlap === undefined || link === this.next) return false;
    if (link !== this.current || this.next !== undefined) return true;
    // A server that asks again so soon gets a new connection as if the last one had been lost.
    const isRepeated = this.hasOverlapped && !link.dialer.isStable;
    if (!link.isUsable || this.leaving !== undefined || (cause === 'message' && isRepeated)) return false;
    this.hasOverlapped = true;
    this.cause = cause;
    server.context.logger.info({ url: server.name }, `connecting to ${server.name} a second time: ${why()}`);
    this.beginOverlap();
    return true;
  }

  failed(failure: TidegateError): void {
    this.handler.failed(failure);
  }

  // --- within

  private get all(): Link[] {
    return [this.current, this.next, this.leaving].filter((link) => link !== undefined);
  }

  private fellBehind(): void {
    this.isBehind = true;
    if (this.pausing === undefined) for (const { dialer } of this.all) dialer.pause();
  }

  private caughtUp(): void {
    this.isBehind = false;
    if (this.pausing === undefined) for (const { dialer } of this.all) dialer.resume();
  }

  /** It is there until the messages that wait for their keys are passed on: those of the next connection follow them. */
  private endOverlap(): void {
    this.overlap?.end();
    if (this.overlap?.isOver) this.overlap = undefined;
  }

  private beginOverlap(): void {
    const { server, makeOverlap } = this.options;
    this.endOverlap();
    this.overlap = makeOverlap({ full: () => this.fellBehind(), drained: () => this.caughtUp() });
    this.next = new Link(server, this, this.handler.nextConnection());
    if (this.pausing !== undefined) this.next.dialer.pause(this.pausing);
    this.next.dialer.open();
  }

  /** The overlap is over: the old connection is closed in order, and what it still receives is passed on. */
  private retire(): void {
    const { current, next } = this;
    if (next === undefined) return;
    this.leaving = current;
    this.current = next;
    this.next = undefined;
    current.isRetired = true;
    void current.dialer.retire().then(() => {
      this.leaving = undefined;
      this.finish('the old one is closed');
    });
  }

  /** The old connection was lost before it was closed here. */
  private takePlace(next: Link, end: RemoteEnd, heardAt: number): void {
    const { current } = this;
    this.cancelTimer();
    this.current = next;
    this.next = undefined;
    void current.dialer.close();
    if (next.isUsable) this.finish(`the old one was lost: ${end.reason}`);
    else {
      this.overlap?.finish();
      this.handler.lost(end, heardAt);
    }
  }

  private finish(what: string): void {
    const { name, context, metrics } = this.options.server;
    metrics.replaced(this.cause);
    context.logger.info({ url: name }, `a new connection to ${name} has replaced the old one; ${what}`);
    this.overlap?.finish();
    this.handler.replaced();
  }
}
