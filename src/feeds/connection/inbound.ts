import type { Message } from '../../core/message.ts';
import type { RemoteSocket } from '../../core/remote.ts';
import type { AnswerTemplate } from '../../sdk/answer-template.ts';
import { Incoming } from '../incoming/incoming.ts';
import { ReplaceRequests } from '../incoming/replace-requests.ts';
import type { BacklogHandler } from '../queues/backlog.ts';
import type { Subscribing } from '../subscribe/subscribing.ts';
import type { Block } from './reading.ts';
import type { Server } from './server.ts';

export interface InboundOptions {
  readonly server: Pick<Server, 'settings' | 'isNumbered'>;
  readonly socket: Pick<RemoteSocket, 'pause' | 'resume'>;
  /** Whether the socket is not paused for another reason. */
  readonly mayRead: () => boolean;
  /** A message of the server, decompressed. */
  readonly heard: (data: Buffer) => void;
  readonly answer: (make: AnswerTemplate, message: Message) => void;
  /** The server asks for a new connection by this message. */
  readonly asked: (data: Buffer) => void;
  /** A message, in the order of arrival. `isRecord`: nothing has taken it. */
  readonly pass: (data: Buffer, binary: boolean, isRecord: boolean) => void;
  readonly damaged: (data: Buffer, why: string) => void;
  readonly tooLarge: (why: string) => void;
  readonly backlogOf: (block: Block) => BacklogHandler;
}

/**
 * What looks at the messages of a connection, one behind the other: pings, requests for a new connection, and the subscribe
 * handshake. A message that none of them takes is a record. Each may need a moment for an expression, and all keep the order.
 */
export class Inbound {
  /** The handshake that is being made, or the last one. */
  subscribing: Subscribing | undefined;
  private readonly options: InboundOptions;
  private readonly incoming: Incoming;
  private readonly requests: ReplaceRequests | undefined;

  constructor(options: InboundOptions) {
    this.options = options;
    this.incoming = this.makeIncoming();
    this.requests = this.makeRequests();
  }

  take(data: Buffer, binary: boolean): void {
    this.incoming.take(data, binary);
  }

  /** Calls back once all messages so far are decided. */
  whenDecided(done: () => void): void {
    this.incoming.inTurn(() => this.afterRequests(() => this.afterSubscribing(done)));
  }

  /** Reads on, unless there is a reason not to. */
  resume(): void {
    if (this.mayRead()) this.options.socket.resume();
  }

  private mayRead(): boolean {
    return this.subscribing?.isHolding !== true && this.options.mayRead();
  }

  private makeIncoming(): Incoming {
    const { server, socket, heard, answer, damaged, tooLarge, backlogOf } = this.options;
    return new Incoming({
      settings: server.settings,
      socket,
      mayRead: () => this.mayRead(),
      heard,
      answer,
      taken: (data) => {
        if (server.isNumbered === true) this.afterRequests(() => this.taken(data));
      },
      pass: (data, binary) => {
        if (this.requests === undefined) this.subscribe(data, binary);
        else this.requests.take(data, binary);
      },
      damaged,
      tooLarge,
      backlog: backlogOf('reply'),
    });
  }

  private makeRequests(): ReplaceRequests | undefined {
    const { server, asked, backlogOf } = this.options;
    const { on } = server.settings.reconnect;
    if (on === undefined) return undefined;
    return new ReplaceRequests({
      on,
      asked: (data) => {
        this.taken(data);
        asked(data);
      },
      pass: (data, binary) => this.subscribe(data, binary),
      backlog: backlogOf('on'),
    });
  }

  private subscribe(data: Buffer, binary: boolean): void {
    if (this.subscribing === undefined) this.options.pass(data, binary, true);
    else this.subscribing.take(data, binary);
  }

  /** A message that is no record, and that the handshake has not seen. */
  private taken(data: Buffer): void {
    const { server, pass } = this.options;
    if (server.isNumbered !== true) return;
    if (this.subscribing === undefined) pass(data, false, false);
    else this.subscribing.takeTaken(data);
  }

  private afterRequests(work: () => void): void {
    if (this.requests === undefined) work();
    else this.requests.inTurn(work);
  }

  private afterSubscribing(work: () => void): void {
    if (this.subscribing === undefined) work();
    else this.subscribing.inTurn(work);
  }
}
