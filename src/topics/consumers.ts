import type { Clock } from '../core/clock.ts';
import type { TopicView } from '../core/topic-request.ts';
import type { Rights } from './rights.ts';

/** What other clients may know about a client of the endpoint. */
interface Shown {
  readonly ws: number;
  readonly subscriber: { readonly topics: readonly string[] } | undefined;
}

/** With more sockets and topics than this, the view is made at most once in so many milliseconds. */
const MANY = 1_000;
const VIEW_INTERVAL = 1_000;

/** The subscriptions of all clients, with the topics that clients of the endpoint may read. */
export class Consumers {
  private readonly clients: ReadonlyMap<unknown, Shown>;
  private readonly rights: Pick<Rights, 'has'>;
  private readonly clock: Clock;
  private view: TopicView | undefined;
  private viewedAt = 0;
  private isMany = false;
  private hasChanged = false;

  constructor(clients: ReadonlyMap<unknown, Shown>, rights: Pick<Rights, 'has'>, clock: Clock) {
    this.clients = clients;
    this.rights = rights;
    this.clock = clock;
  }

  /** A client has connected, left, or changed its subscription. */
  changed(): void {
    this.hasChanged = true;
  }

  /** The same object until something changes: an answer may be megabytes long, and is encoded once. */
  show(): TopicView {
    const now = this.clock.elapsed();
    const isCurrent = !this.hasChanged || (this.isMany && now - this.viewedAt < VIEW_INTERVAL);
    if (this.view !== undefined && isCurrent) return this.view;
    const consumers = [...this.clients.values()].map(({ ws, subscriber }) => ({ ws, topics: this.shown(subscriber) }));
    this.isMany = consumers.reduce((sum, { topics }) => sum + 1 + topics.length, 0) > MANY;
    this.hasChanged = false;
    this.viewedAt = now;
    this.view = { type: 'health', consumers };
    return this.view;
  }

  private shown(subscriber: Shown['subscriber']): readonly string[] {
    return subscriber?.topics.filter((topic) => this.rights.has('read', topic)) ?? [];
  }
}
