import type { TidegateError } from './errors.ts';

/**
 * What became of a message that is done:
 * - `stored`: the sink has it; of a topic, the log has it
 * - `filtered`: a processor ended it on purpose, it is nowhere
 * - `dead_letter`: it failed for good, and the dead-letter topic has it
 */
export type Outcome = 'stored' | 'filtered' | 'dead_letter';

/** The client that sent a message. */
export interface Sender {
  readonly clientId: string;
  readonly endpoint: string;
  /** Parameters of the endpoint's path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/**
 * Whether a message can be in the transaction that ends now:
 * - `ready`: the offset of what it was made from is committed with it
 * - `early`: something in front of it is not done yet; a later transaction takes it
 * - `lost`: what it was made from is another member's by now, which makes it again
 * - `refused`: the log refused what was made from the same, and neither that nor its dead letter waits or is settled yet
 * - `failed`: that has failed for good
 */
export type Readiness = 'ready' | 'early' | 'lost' | 'refused' | 'failed';

/** What settling needs to know of a message. */
export interface Settleable {
  readonly sender: Sender | undefined;
  readonly shownUrl: string | undefined;
  readonly isRevoked: boolean;
  readonly outcome: Outcome;
  readonly isStaged: boolean;
  readonly mayUnstage: boolean;
  readonly readiness: Readiness;
  stage(): boolean;
  unstage(): boolean;
  ack(outcome: Outcome): void;
  nack(failure: TidegateError): void;
}

/** Called exactly once with what became of a message. `failure` is null when the message was acked, see its `outcome`. */
export interface SettleTargetOf<M extends Settleable> {
  /** Where messages come from a client. */
  readonly sender?: Sender | undefined;
  /** Where messages come from a WebSocket server: its URL, without secrets. */
  readonly shownUrl?: string | undefined;
  /** Where messages come from a group: whether their partition was given up or assigned anew since, and is read again. */
  readonly isRevoked?: boolean;
  settled(message: M, failure: TidegateError | null): void;
  /** The message waits for a transaction that stores it and commits what it was made from; `settled` follows when that is over. */
  staged?(message: M): void;
  /** It does not wait any more, as the log refuses it. */
  unstaged?(message: M): void;
  /** Of a staged message, once the member of its group has said what the transaction commits. */
  readiness?(message: M): Readiness;
}

export type SettleListener = (failure: TidegateError | null, isLost: boolean, outcome: Outcome) => void;

/** Follows messages that are in flight, from a pipeline's gate to their settling. */
export interface TrackerOf<M extends Settleable> {
  /** Asked before a message is nacked: true when the tracker took it over, by `derive`, to settle it later. */
  takeOver(message: M, failure: TidegateError): boolean;
  settled(message: M, failure: TidegateError | null): void;
}

/** An operator hears as well what becomes of a message. */
export class Overheard<M extends Settleable> implements SettleTargetOf<M> {
  private readonly target: SettleTargetOf<M> | undefined;
  private readonly listener: SettleListener;
  /** Only where the target can take it back. */
  readonly unstaged?: (message: M) => void;

  constructor(target: SettleTargetOf<M> | undefined, listener: SettleListener) {
    this.target = target;
    this.listener = listener;
    if (target?.unstaged !== undefined) this.unstaged = (message) => target.unstaged?.(message);
  }

  get sender(): Sender | undefined {
    return this.target?.sender;
  }

  get shownUrl(): string | undefined {
    return this.target?.shownUrl;
  }

  get isRevoked(): boolean {
    return this.target?.isRevoked === true;
  }

  staged(message: M): void {
    this.target?.staged?.(message);
  }

  readiness(message: M): Readiness {
    return this.target?.readiness?.(message) ?? 'ready';
  }

  settled(message: M, failure: TidegateError | null): void {
    this.listener(failure, message.isStaged && message.outcome === 'filtered', message.outcome);
    this.target?.settled(message, failure);
  }
}

/** Counts the parts of a split message down. */
export class Whole<M extends Settleable> implements SettleTargetOf<M> {
  private readonly message: M;
  private missing: number;
  /** Parts that are neither staged nor settled. */
  private unknown: number;
  /** The message has failed, while parts still wait for a transaction. */
  private isOver = false;
  private failure: TidegateError | null = null;
  /** Of several outcomes the whole has the one that leaves the most: a part that is stored makes it stored. */
  private outcome: Outcome = 'filtered';
  /** Only where the message can be taken back. A failure follows, which is that of the message. */
  readonly unstaged?: () => void;

  constructor(message: M, parts: number) {
    this.message = message;
    this.missing = parts;
    this.unknown = parts;
    if (!message.mayUnstage) return;
    this.unstaged = () => {
      this.unknown += 1;
      if (message.isStaged) message.unstage();
    };
  }

  readiness(): Readiness {
    return this.message.readiness;
  }

  staged(): void {
    this.unknown -= 1;
    this.know();
  }

  get sender(): Sender | undefined {
    return this.message.sender;
  }

  get shownUrl(): string | undefined {
    return this.message.shownUrl;
  }

  get isRevoked(): boolean {
    return this.message.isRevoked;
  }

  settled(part: M, failure: TidegateError | null): void {
    this.failure ??= failure;
    if (part.outcome === 'stored') this.outcome = 'stored';
    this.missing -= 1;
    if (!part.isStaged) this.unknown -= 1;
    if (this.missing > 0) this.know();
    if (this.isOver || this.missing > 0) return;
    if (this.failure === null) this.message.ack(this.outcome);
    else this.message.nack(this.failure);
  }

  /** Parts that wait for a transaction wait for the whole, which so has to be staged, or to fail, before they are settled. */
  private know(): void {
    if (this.unknown > 0 || this.isOver) return;
    if (this.failure === null) this.message.stage();
    else {
      this.isOver = true;
      this.message.nack(this.failure);
    }
  }
}
