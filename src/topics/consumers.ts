import type { Clock } from '../core/clock.ts';
import type { Permissions } from '../core/permissions.ts';
import type { TopicView } from '../core/topic-request.ts';
import { KeptViews } from './kept-views.ts';
import type { Rights } from './rights.ts';

/** What other clients may know about a client of the endpoint. */
interface Shown {
  readonly ws: number;
  readonly subscriber: { readonly topics: readonly string[] } | undefined;
}

/** With more sockets and topics than this, the view is made at most once in so many milliseconds. */
const MANY = 1_000;
const VIEW_INTERVAL = 1_000;

/** What clients who may read the same are shown. */
interface Kept {
  readonly view: TopicView;
  readonly madeAt: number;
  /** The changes that it has in it. */
  readonly changes: number;
  readonly isMany: boolean;
}

/** The subscriptions of all clients, with the topics that the client who asks may read. */
export class Consumers {
  private readonly clients: ReadonlyMap<unknown, Shown>;
  private readonly rights: Pick<Rights, 'has'>;
  private readonly clock: Clock;
  private readonly kept = new KeptViews<Kept>('read');
  private changes = 0;

  constructor(clients: ReadonlyMap<unknown, Shown>, rights: Pick<Rights, 'has'>, clock: Clock) {
    this.clients = clients;
    this.rights = rights;
    this.clock = clock;
  }

  /** A client has connected, left, or changed its subscription. */
  changed(): void {
    this.changes += 1;
  }

  /** The same object until something changes: an answer may be megabytes long, and is encoded once. */
  show(permissions: Permissions): TopicView {
    const now = this.clock.elapsed();
    const kept = this.kept.of(permissions);
    if (kept !== undefined && (kept.changes === this.changes || (kept.isMany && now - kept.madeAt < VIEW_INTERVAL)))
      return kept.view;
    const consumers = [...this.clients.values()].map(({ ws, subscriber }) => ({
      ws,
      topics: this.shown(subscriber, permissions),
    }));
    const isMany = consumers.reduce((sum, { topics }) => sum + 1 + topics.length, 0) > MANY;
    const view: TopicView = { type: 'health', consumers };
    return this.kept.keep(permissions, { view, madeAt: now, changes: this.changes, isMany }).view;
  }

  private shown(subscriber: Shown['subscriber'], permissions: Permissions): readonly string[] {
    return subscriber?.topics.filter((topic) => this.rights.has(permissions, 'read', topic)) ?? [];
  }
}
