import type { Clock } from '../../core/clock.ts';
import type { FeedSettings } from '../settings/source-settings.ts';

type DedupeSettings = NonNullable<FeedSettings['dedupe']>;

/** The first message that had an id. */
interface First {
  /** When it came, by `Clock.elapsed`. */
  readonly at: number;
  /** The servers that have sent the id, a bit for each. */
  senders: number;
  isSettled: boolean;
}

/** `copy`: only other servers have sent it before. `repetition`: this server has sent it before. */
type Standing = 'new' | 'copy' | 'repetition';

/** The ids of recent messages, and whether those messages are settled. */
export class IdWindow {
  private readonly settings: Pick<DedupeSettings, 'window' | 'within'>;
  private readonly clock: Clock;
  /** In the order of arrival. */
  private readonly ids = new Map<string, First>();

  constructor(settings: Pick<DedupeSettings, 'window' | 'within'>, clock: Clock) {
    this.settings = settings;
    this.clock = clock;
  }

  /** Remembers an id and says whether it is new. `server`: the number of the server that sent it, from 0. */
  add(id: string, server: number): Standing {
    const now = this.clock.elapsed();
    const sender = 1 << (server % 31);
    const known = this.ids.get(id);
    if (known !== undefined && !this.isForgotten(known, now)) {
      const standing = (known.senders & sender) === 0 ? 'copy' : 'repetition';
      known.senders |= sender;
      return standing;
    }
    // Deleted first, so that it is last in the order of the map.
    this.ids.delete(id);
    this.ids.set(id, { at: now, senders: sender, isSettled: false });
    if (this.ids.size > this.settings.window) this.forgetOldest();
    return 'new';
  }

  /** Whether a message with this id would not be new. */
  has(id: string): boolean {
    const known = this.ids.get(id);
    return known !== undefined && !this.isForgotten(known, this.clock.elapsed());
  }

  settle(id: string): void {
    const first = this.ids.get(id);
    if (first !== undefined) first.isSettled = true;
  }

  isSettled(id: string): boolean {
    return this.ids.get(id)?.isSettled === true;
  }

  /** Its message failed: the next message with this id is new. */
  forget(id: string): void {
    this.ids.delete(id);
  }

  /** An id whose message is not settled is never forgotten. */
  private isForgotten({ at, isSettled }: First, now: number): boolean {
    const { within } = this.settings;
    return within > 0 && isSettled && now - at >= within;
  }

  private forgetOldest(): void {
    for (const oldest of this.ids.keys()) {
      this.ids.delete(oldest);
      return;
    }
  }
}
