import type { Clock } from '../../core/clock.ts';

export interface IdWindowOptions {
  /** Most ids that are remembered. */
  readonly size: number;
  /** Milliseconds for which an id is remembered from its first message on; 0 for no such limit. */
  readonly within: number;
  readonly clock: Clock;
}

/** A message that had an id first. */
interface First {
  /** Milliseconds since the epoch. */
  readonly at: number;
  /** Which servers have sent the id, a bit for each. */
  senders: number;
  isSettled: boolean;
}

/** `copy`: it came before, by other servers only. `repetition`: by this one, too. */
type Standing = 'new' | 'copy' | 'repetition';

/** The last ids that came, and what became of their messages. */
export class IdWindow {
  private readonly options: IdWindowOptions;
  /** In the order they came. */
  private readonly ids = new Map<string, First>();

  constructor(options: IdWindowOptions) {
    this.options = options;
  }

  /** Whether an id is new, and remembers it. `server`: number of the one that sent it, from 0 on. */
  add(id: string, server: number): Standing {
    const { size, clock } = this.options;
    const now = clock.now();
    const sender = 1 << (server % 31);
    const known = this.ids.get(id);
    if (known !== undefined && !this.isForgotten(known, now)) {
      const standing = (known.senders & sender) === 0 ? 'copy' : 'repetition';
      known.senders |= sender;
      return standing;
    }
    // Deleted first, so that it stands last.
    this.ids.delete(id);
    this.ids.set(id, { at: now, senders: sender, isSettled: false });
    if (this.ids.size > size) this.forgetOldest();
    return 'new';
  }

  settle(id: string): void {
    const first = this.ids.get(id);
    if (first !== undefined) first.isSettled = true;
  }

  isSettled(id: string): boolean {
    return this.ids.get(id)?.isSettled === true;
  }

  /** Its message failed: when it comes again, it is welcome. */
  forget(id: string): void {
    this.ids.delete(id);
  }

  /** An id whose message is not settled is kept: that message has yet to say what becomes of it. */
  private isForgotten({ at, isSettled }: First, now: number): boolean {
    const { within } = this.options;
    return within > 0 && isSettled && now - at >= within;
  }

  private forgetOldest(): void {
    for (const oldest of this.ids.keys()) {
      this.ids.delete(oldest);
      return;
    }
  }
}
