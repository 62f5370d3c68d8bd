import type { EarlierPart, Lost, Recovery, RecoveryRequest } from '../../core/channel-feed.ts';
import type { ClientMemory } from '../../core/client-memory.ts';
import type { Clock } from '../../core/clock.ts';
import type { Log } from '../../core/log.ts';
import type { Rerun } from '../../pipelines/rerun.ts';
import type { EndpointPort } from '../../sdk/context.ts';
import { PendingRecovery } from './pending-recovery.ts';
import type { RecoveryMetrics } from './recovery-metrics.ts';
import { RecoveryPass } from './recovery-pass.ts';

/** Milliseconds for which processors that no pass needs are kept: some read whole tables when they are opened. */
const KEPT = 60_000;
/** Bytes of records that the passes of a feed keep for clients until they have all of them. */
const MAX_KEPT_BYTES = 67_108_864;

export interface RecoverySettings {
  /** Records of the partition that are read for one client at most. */
  readonly records: number;
  /** Milliseconds: older records are not read again. */
  readonly age: number;
  /** Readers at once. */
  readonly concurrency: number;
  /** Milliseconds that a client waits. */
  readonly timeout: number;
}

/** The steps and the sink of the pipeline once more, whose channels and records go to `publish`. */
export type MakeRerun = (publish: EndpointPort['publish']) => Rerun;

export interface RecoveriesOptions {
  readonly log: Log;
  readonly topic: string;
  readonly settings: RecoverySettings;
  readonly makeRerun: MakeRerun;
  /** What is kept of each channel, records; undefined where there is no room for more. */
  readonly last: () => number | undefined;
  /** All of a partition from one offset to another was read: it may be kept for those who come later. */
  readonly extend: (part: EarlierPart) => void;
  readonly clock: Clock;
  readonly metrics: RecoveryMetrics;
  /** Counts what is kept for clients until they have all of it; when it is full, they are not recovered. */
  readonly memory: RecoveredMemory;
}

/** What is held for all clients of the gateway. */
export type RecoveredMemory = Pick<ClientMemory, 'recovering' | 'isFull'>;

/** The steps of a pipeline, which serve one pass at a time. */
interface Steps {
  readonly rerun: Rerun;
  pass: RecoveryPass | undefined;
}

/** Requests of one feed for what is only in the log. They wait for each other: one reader serves all that come while it is opened. */
export class Recoveries {
  private readonly options: RecoveriesOptions;
  private readonly running = new Set<RecoveryPass>();
  private readonly idle: Steps[] = [];
  private readonly waiting = new Set<PendingRecovery>();
  private id: string | undefined;
  private keptBytes = 0;
  private cancelKeeping: () => void = () => {};
  private isClosed = false;

  constructor(options: RecoveriesOptions) {
    this.options = options;
  }

  /** `id`: of the topic that positions belong to. Never rejects. */
  read(request: RecoveryRequest, id: string | undefined): Promise<Recovery> {
    const { settings, clock } = this.options;
    const span = request.until - request.since.offset;
    if (span <= 0) return Promise.resolve({ messages: [] });
    if (this.isClosed) return Promise.resolve({ lost: 'closed' });
    if (span > settings.records) return Promise.resolve({ lost: 'too_many' });
    const pending = new PendingRecovery(request, clock, settings.timeout);
    if (!pending.isAnswered && ![...this.running].some((pass) => pass.take(pending))) {
      this.waiting.add(pending);
      // Clients may ask and leave as often as they like while all readers are busy.
      pending.ended = () => this.waiting.delete(pending);
      this.id = id;
      this.start();
    }
    return pending.answer;
  }

  /** What is being read belongs to another life of the topic. */
  loseAll(reason: Lost): void {
    for (const pending of [...this.waiting]) pending.lose(reason);
    for (const pass of this.running) pass.loseAll(reason);
  }

  /** Resolves when its processors are closed. Never rejects. */
  async close(): Promise<void> {
    this.isClosed = true;
    this.loseAll('closed');
    this.cancelKeeping();
    await Promise.all(this.idle.splice(0).map(({ rerun }) => rerun.close()));
  }

  private start(): void {
    const { id } = this;
    const { log, topic, settings, clock, metrics, memory, last, extend } = this.options;
    if (this.running.size >= settings.concurrency) return;
    const waiting = [...this.waiting];
    this.waiting.clear();
    if (waiting.length === 0) return;
    this.cancelKeeping();
    const steps = this.idle.pop() ?? this.make();
    let kept = 0;
    const keep = (bytes: number) => {
      if (this.keptBytes + bytes > MAX_KEPT_BYTES || memory.isFull) return false;
      kept += bytes;
      this.keptBytes += bytes;
      memory.recovering(bytes);
      return true;
    };
    const { age } = settings;
    const { rerun } = steps;
    const pass = new RecoveryPass({ log, topic, id, rerun, clock, age, keep, last: last(), extend, metrics });
    steps.pass = pass;
    this.running.add(pass);
    for (const pending of waiting) pass.take(pending);
    void pass.run().then((isReusable) => {
      steps.pass = undefined;
      this.keptBytes -= kept;
      memory.recovering(-kept);
      this.running.delete(pass);
      this.putBack(steps, isReusable);
      this.start();
    });
  }

  private make(): Steps {
    const steps: Steps = {
      rerun: this.options.makeRerun((batch, channels) => {
        if (steps.pass === undefined) batch.ack();
        else steps.pass.publish(batch, channels);
      }),
      pass: undefined,
    };
    return steps;
  }

  private putBack(steps: Steps, isReusable: boolean): void {
    if (!isReusable || this.isClosed) {
      void steps.rerun.close();
      return;
    }
    this.idle.push(steps);
    if (this.running.size > 0) return;
    this.cancelKeeping();
    this.cancelKeeping = this.options.clock.after(KEPT, () => {
      for (const { rerun } of this.idle.splice(0)) void rerun.close();
    });
  }
}
