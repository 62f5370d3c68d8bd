import type { TidegateError } from '../../core/errors.ts';
import type { RemoteEnd } from '../../core/remote.ts';
import type { ReplaceCause } from '../reports/metrics.ts';
import { Dialer } from './dialer.ts';
import type { DialerHandler } from './dialer-handler.ts';
import type { Server } from './server.ts';

/** What a link reports, with itself. */
export interface LinkOwner {
  connects(link: Link): Promise<unknown> | undefined;
  lastCursor(): unknown;
  live(link: Link): void;
  frame(link: Link, data: Buffer, binary: boolean, isRecord: boolean): void;
  lost(link: Link, end: RemoteEnd, heardAt: number): void;
  takesOver(link: Link, cause: ReplaceCause, why: () => string): boolean;
  failed(failure: TidegateError): void;
}

/** One of the connections to a server, and how it is called in messages that it has received. */
export class Link implements DialerHandler {
  readonly dialer: Dialer;
  /** Of its connection; no other connection of the server has had it. */
  number: number;
  /** Whether it is being closed for good. */
  isRetired = false;
  private readonly owner: LinkOwner;

  constructor(server: Server, owner: LinkOwner, number: number) {
    this.owner = owner;
    this.number = number;
    this.dialer = new Dialer(server, this);
  }

  /** Whether messages can be sent. */
  get isUsable(): boolean {
    return this.dialer.isLive && !this.isRetired;
  }

  connects(): Promise<unknown> | undefined {
    return this.owner.connects(this);
  }

  lastCursor(): unknown {
    return this.owner.lastCursor();
  }

  live(): void {
    this.owner.live(this);
  }

  frame(data: Buffer, binary: boolean, isRecord: boolean): void {
    this.owner.frame(this, data, binary, isRecord);
  }

  pong(): void {}

  ready(): void {}

  lost(end: RemoteEnd, heardAt: number): void {
    this.owner.lost(this, end, heardAt);
  }

  takesOver(cause: ReplaceCause, why: () => string): boolean {
    return this.owner.takesOver(this, cause, why);
  }

  failed(failure: TidegateError): void {
    this.owner.failed(failure);
  }
}
