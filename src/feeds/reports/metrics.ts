import type { RemoteEndKind } from '../../core/remote.ts';
import type { ComponentContext } from '../../sdk/context.ts';
import type { Counter, Stats } from '../../telemetry/stats.ts';

/** Why a message was dropped. */
const DROP_REASONS = ['overflow', 'duplicate', 'unsettled', 'refused', 'tombstone', 'compressed'] as const;
type DropReason = (typeof DROP_REASONS)[number];

/** Why a connection that works is replaced: the server asks for it, or it is old. */
const REPLACE_CAUSES = ['message', 'age'] as const;
export type ReplaceCause = (typeof REPLACE_CAUSES)[number];

/** How a sequence is not continued: numbers are missing, it goes back, or what should be a number is none. */
const SEQUENCE_GAPS = ['hole', 'back', 'unreadable'] as const;

/** All kinds: the compiler refuses a list that lacks one. */
const END_KINDS: Readonly<Record<RemoteEndKind, true>> = {
  unreachable: true,
  refused: true,
  closed: true,
  broken: true,
  protocol: true,
  too_big: true,
  silent: true,
};

/** The metrics of one server, looked up once. */
export class RemoteMetrics {
  readonly received: Counter;
  readonly receivedBytes: Counter;
  readonly sent: Counter;
  readonly settled: Counter;
  readonly reconnects: Counter;
  /** Pings of the server whose answer a newer one has displaced. */
  readonly unanswered: Counter;
  totalDropped = 0;
  private readonly gaps: Counter;
  private readonly gapSeconds: Counter;
  private readonly stats: Stats;
  private readonly labels: { readonly component: string; readonly url: string };
  /** Names of the connections that were live. */
  private readonly known = new Set<string>();

  /** `url` as it may be shown. */
  constructor(url: string, { stats, path }: Pick<ComponentContext, 'stats' | 'path'>) {
    const labels = { component: path, url };
    this.stats = stats;
    this.labels = labels;
    this.received = stats.counter('tidegate_remote_frames_received_total', labels);
    this.receivedBytes = stats.counter('tidegate_remote_bytes_received_total', labels);
    this.sent = stats.counter('tidegate_remote_frames_sent_total', labels);
    this.settled = stats.counter('tidegate_remote_settled_total', labels);
    this.reconnects = stats.counter('tidegate_remote_reconnects_total', labels);
    this.unanswered = stats.counter('tidegate_remote_unanswered_total', labels);
    this.gaps = stats.counter('tidegate_remote_gaps_total', labels);
    this.gapSeconds = stats.counter('tidegate_remote_gap_seconds_total', labels);
    for (const reason of Object.keys(END_KINDS)) {
      stats.counter('tidegate_remote_lost_total', { ...labels, reason });
      stats.counter('tidegate_remote_failed_tries_total', { ...labels, reason });
    }
    for (const kind of SEQUENCE_GAPS) stats.counter('tidegate_remote_sequence_gaps_total', { ...labels, kind });
    stats.counter('tidegate_remote_sequence_missing_total', labels);
    for (const cause of REPLACE_CAUSES) stats.counter('tidegate_remote_replaced_total', { ...labels, cause });
    for (const reason of DROP_REASONS) stats.counter('tidegate_remote_dropped_total', { ...labels, reason });
  }

  watch(isLive: () => boolean): void {
    this.stats.gauge('tidegate_remote_live', this.labels, () => (isLive() ? 1 : 0));
  }

  /** Of a server with `shards`. */
  watchShards(read: {
    readonly shards: () => number;
    readonly live: () => number;
    readonly symbols: () => number;
  }): void {
    this.stats.gauge('tidegate_remote_shards', this.labels, read.shards);
    this.stats.gauge('tidegate_remote_shards_live', this.labels, read.live);
    this.stats.gauge('tidegate_remote_symbols', this.labels, read.symbols);
  }

  /** `name`: of the connection, of which a server may have several. */
  connected(name: string): void {
    if (this.known.has(name)) this.reconnects.value += 1;
    this.known.add(name);
  }

  lost(reason: RemoteEndKind, wasLive: boolean): void {
    const name = wasLive ? 'tidegate_remote_lost_total' : 'tidegate_remote_failed_tries_total';
    this.stats.counter(name, { ...this.labels, reason }).value += 1;
  }

  replaced(cause: ReplaceCause): void {
    this.stats.counter('tidegate_remote_replaced_total', { ...this.labels, cause }).value += 1;
  }

  dropped(reason: DropReason): void {
    this.totalDropped += 1;
    this.stats.counter('tidegate_remote_dropped_total', { ...this.labels, reason }).value += 1;
  }

  /** `missing`: how many numbers. */
  sequenceGap(kind: (typeof SEQUENCE_GAPS)[number], missing: bigint): void {
    this.stats.counter('tidegate_remote_sequence_gaps_total', { ...this.labels, kind }).value += 1;
    this.stats.counter('tidegate_remote_sequence_missing_total', this.labels).value += Number(missing);
  }

  outage(milliseconds: number): void {
    this.gaps.value += 1;
    this.gapSeconds.value += milliseconds / 1_000;
  }
}
