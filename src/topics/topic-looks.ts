import type { Clock } from '../core/clock.ts';
import type { LogAdmin } from '../core/log.ts';

type Topics = Awaited<ReturnType<LogAdmin['topics']>>;

/** Milliseconds for which a look counts as recent. */
const MAX_AGE = 1_000;

/**
 * Looks at the topics of the log, for all clients of an endpoint. A look costs the brokers and the gateway more the more
 * partitions there are, so there is one at a time, and clients that ask meanwhile share the next one.
 */
export class TopicLooks {
  private readonly admin: Pick<LogAdmin, 'topics'>;
  private readonly clock: Clock;
  private last: { readonly topics: Topics; readonly at: number } | undefined;
  private pending: Promise<Topics> | undefined;
  private following: Promise<Topics> | undefined;
  private changes = 0;

  constructor(admin: Pick<LogAdmin, 'topics'>, clock: Clock) {
    this.admin = admin;
    this.clock = clock;
  }

  /** The topics, at most a second old. Rejects as the log does. */
  recent(): Promise<Topics> {
    const { last } = this;
    if (last !== undefined && this.clock.elapsed() - last.at < MAX_AGE) return Promise.resolve(last.topics);
    return this.fresh();
  }

  /** The topics as of a look that begins now or later. Rejects as the log does. */
  fresh(): Promise<Topics> {
    if (this.pending === undefined) return this.begin();
    const begin = () => this.begin();
    this.following ??= this.pending.then(begin, begin);
    return this.following;
  }

  /** A client has created a topic, which earlier looks do not have. */
  changed(): void {
    this.changes += 1;
    this.last = undefined;
  }

  private begin(): Promise<Topics> {
    this.following = undefined;
    this.pending = this.look();
    return this.pending;
  }

  private async look(): Promise<Topics> {
    const { changes } = this;
    try {
      const topics = await this.admin.topics();
      if (changes === this.changes) this.last = { topics, at: this.clock.elapsed() };
      return topics;
    } finally {
      this.pending = undefined;
    }
  }
}
