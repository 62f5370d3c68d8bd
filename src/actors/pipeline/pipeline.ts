import { filter, type Observable, type Subscription as RxSubscription, Subject, tap } from 'rxjs';
import { createActor } from 'xstate';
import { Batch } from '../../core/batch.ts';
import type { Clock } from '../../core/clock.ts';
import type { Processor, Sink, Source } from '../../core/component.ts';
import type { GateLimits } from '../../core/credit-gate.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import type { BatchLimits } from '../../pipelines/batching.ts';
import { type FlightObserver, PipelineFlight, type Rescue } from '../../pipelines/flight.ts';
import { buildFlow, type Stage } from '../../pipelines/flow.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { factsOf } from '../../telemetry/message-facts.ts';
import type { Tracing } from '../../telemetry/tracing.ts';
import { type BackoffOptions, backoffDelay } from '../backoff.ts';
import { startActor, tell } from '../lifecycle.ts';
import { Complaints } from './complaints.ts';
import { Ends } from './ends.ts';
import type { PipelineFigures } from './figures.ts';
import { LatencySample } from './latency-sample.ts';
import { type PipelineActor, type PipelineControl, pipelineMachine } from './machine.ts';

export interface PipelineOptions {
  readonly name: string;
  readonly source: Source;
  readonly sink: Sink;
  readonly stages: readonly Stage[];
  readonly batch: BatchLimits;
  readonly inFlight: GateLimits;
  readonly retries: number;
  readonly backoff: BackoffOptions;
  /** Takes messages that failed for good; false where the pipeline has no dead letters and skips nothing. */
  readonly rescue: Rescue;
  /** A record that fails for good stops the pipeline: its source commits offsets and may not pass over it. */
  readonly stopsOnFailure: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tracing: Tracing;
  readonly figures: PipelineFigures;
}

const RESTART: BackoffOptions = { initial: 200, max: 10_000 };
/** Milliseconds that a pipeline which stops at a record waits for those in front of it to be settled. */
const HALT_TIMEOUT = 10_000;

/** A pipeline: opens source and sink, runs the flow between them, bounds what is in flight, restarts what broke. */
export class Pipeline implements PipelineControl, FlightObserver {
  readonly name: string;
  readonly actor: PipelineActor;
  readonly flight: PipelineFlight;
  private readonly options: PipelineOptions;
  private readonly ends: Ends;
  private readonly complaints: Complaints;
  private readonly flush = new Subject<void>();
  private subscription: RxSubscription | undefined;
  private attempts = 0;
  /** Counts the tries to open; what an earlier one still has to say is not heard. */
  private run = 0;
  /** Why it broke last; undefined once it runs again. */
  failure: TidegateError | undefined;
  /** What the log says of the message that stopped it. */
  private failedOn: Readonly<Record<string, unknown>> = {};
  /** A record failed at which the pipeline stops: what is behind it goes no further. */
  private isHalting = false;
  private cancelHalt: (() => void) | undefined;
  private readonly latency: LatencySample;
  private whenDrained: () => void = () => {};
  private readonly whenEmpty: (() => void)[] = [];

  constructor(options: PipelineOptions) {
    this.options = options;
    this.name = options.name;
    this.ends = new Ends(options.source, options.sink, options.name, options.logger);
    this.complaints = new Complaints(options.logger, options.clock);
    const rescue: Rescue = (message, failure) => {
      options.tracing.failed(message, failure);
      return options.rescue(message, failure);
    };
    this.flight = new PipelineFlight(options.inFlight, rescue, this);
    this.latency = new LatencySample(options.figures.latency, options.clock);
    options.figures.watch(this.flight);
    this.actor = startActor(
      createActor(pipelineMachine, { input: { pipeline: this } }),
      `pipeline ${this.name}`,
      options.logger,
    );
  }

  get isEmpty(): boolean {
    return this.flight.size === 0;
  }

  get isCongested(): boolean {
    return !this.flight.gate.isOpen;
  }

  /** Why the pipeline has failed for good; undefined otherwise. */
  get finalFailure(): TidegateError | undefined {
    return this.actor.getSnapshot().matches('failed') ? this.failure : undefined;
  }

  /** Why the pipeline does not run, for readiness; undefined while it does. */
  get trouble(): string | undefined {
    const snapshot = this.actor.getSnapshot();
    if (snapshot.matches('running')) return undefined;
    return this.failure === undefined
      ? `the pipeline ${this.name} is starting`
      : `the pipeline ${this.name}: ${this.failure.message}`;
  }

  start(): void {
    tell(this.actor, { type: 'START' });
  }

  /** Resolves when nothing is in flight, now or for a moment later. */
  settled(): Promise<void> {
    if (this.isEmpty) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  /** Closes the source, flushes, and resolves when nothing is in flight. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.whenDrained = resolve;
      tell(this.actor, { type: 'DRAIN' });
    });
  }

  // --- from the flight

  gateChanged(open: boolean): void {
    if (!open) this.flush.next();
    tell(this.actor, { type: open ? 'CLEAR' : 'CONGEST' });
  }

  landed(message: Message, failure: TidegateError | null): void {
    if (failure === null) this.options.figures.sent.value += 1;
    else this.failed(message, failure);
    this.latency.landed(message);
  }

  emptied(): void {
    for (const resolve of this.whenEmpty.splice(0)) resolve();
    if (this.isHalting || this.actor.getSnapshot().matches('draining')) tell(this.actor, { type: 'EMPTY' });
  }

  // --- orders of the machine

  open(): void {
    this.run += 1;
    const { run } = this;
    this.openEnds(run).then(
      () => {
        if (run === this.run) tell(this.actor, { type: 'OPENED' });
      },
      (error: unknown) => {
        if (run === this.run) this.broken(error);
      },
    );
  }

  pauseSource(): void {
    this.guarded(() => this.options.source.pause());
  }

  resumeSource(): void {
    this.guarded(() => this.options.source.resume());
  }

  breakDown(): void {
    const { logger, figures, clock } = this.options;
    this.attempts += 1;
    const delay = backoffDelay(this.attempts, RESTART);
    const why = this.failure?.message ?? 'the flow ended';
    logger.error(
      { code: this.failure?.code, error: this.failure?.cause },
      `the pipeline ${this.name} broke and starts again in ${delay} ms: ${why}`,
    );
    figures.restarts.value += 1;
    this.shut(new TidegateError('TG_FLOW_FAILED', `the pipeline ${this.name} broke: ${why}`));
    clock.after(delay, () => tell(this.actor, { type: 'RETRY' }));
  }

  fail(): void {
    this.options.logger.error(
      { code: this.failure?.code, ...this.failedOn },
      `the pipeline ${this.name} has FAILED: ${this.failure?.message}`,
    );
    this.shut(new TidegateError('TG_FLOW_FAILED', `the pipeline ${this.name} has failed`));
  }

  giveUp(): void {
    this.shut(new TidegateError('TG_STOPPING', `the pipeline ${this.name} broke while it stopped`));
  }

  drain(): void {
    this.endReading();
  }

  halt(): void {
    this.cancelHalt = this.options.clock.after(HALT_TIMEOUT, () => tell(this.actor, { type: 'FAIL' }));
    this.endReading();
  }

  finished(): void {
    this.subscription?.unsubscribe();
    this.whenDrained();
  }

  /** Closes source, processors and sink; what is in flight is nacked. Only after `drained`, or to force an end. */
  async close(): Promise<void> {
    this.run += 1;
    this.flight.nackAll(new TidegateError('TG_STOPPING', 'the gateway stopped before the message was processed'));
    this.subscription?.unsubscribe();
    const processors = this.options.stages.flatMap((stage): readonly Processor[] =>
      'processors' in stage ? stage.processors : [],
    );
    await Promise.allSettled([...processors.map(async (processor) => processor.close?.()), this.ends.close()]);
  }

  // --- within

  private async openEnds(run: number): Promise<void> {
    await this.ends.open(
      () => this.isOpening(run),
      () => this.connect(),
    );
    if (run !== this.run) return;
    this.attempts = 0;
    this.failure = undefined;
  }

  private connect(): void {
    this.subscription = this.flow().subscribe({
      next: (ready) => this.write(ready),
      error: (error: unknown) => this.broken(error),
      complete: () => this.ended(),
    });
    this.subscription.add(this.options.sink.failed$?.subscribe((failure) => this.broken(failure)));
  }

  private flow(): Observable<Batch> {
    const { source, sink, stages, batch, retries, backoff, figures, tracing, clock } = this.options;
    const counted$ = source.batches$.pipe(
      filter((received) => !this.isHalting || this.leave(received)),
      tap((received) => {
        figures.received.value += received.length;
      }),
    );
    return buildFlow(counted$, {
      flight: this.flight,
      batch,
      stages,
      sink,
      flush$: this.flush,
      clock,
      processing: {
        retries,
        pause: (attempt) => new Promise((resolve) => clock.after(backoffDelay(attempt, backoff), resolve)),
        retried: () => {
          figures.retries.value += 1;
        },
        filtered: (count) => {
          figures.filtered.value += count;
        },
        trace: (batch) => {
          const span = tracing.processing(batch, this.name);
          return () => span.end();
        },
      },
    });
  }

  /** Whether that try still counts: the pipeline may have been drained, closed or broken meanwhile. */
  private isOpening(run: number): boolean {
    return run === this.run && this.actor.getSnapshot().matches('opening');
  }

  private write(batch: Batch): void {
    const { figures, sink } = this.options;
    const wanted = this.isHalting ? unsettled(batch) : batch;
    if (wanted.length === 0) return;
    figures.batch.record(wanted.length);
    this.latency.begin(wanted);
    this.guarded(() => sink.write(wanted));
  }

  /** Reads nothing more, and hands on what was read. */
  private endReading(): void {
    const { source } = this.options;
    this.guarded(() => (source.drain === undefined ? source.pause() : source.drain()));
    this.flush.next();
  }

  /** For a batch that comes behind the record at which the pipeline stops. */
  private leave(batch: Batch): false {
    batch.nack(this.haltReason());
    return false;
  }

  /** A plugin that throws breaks its pipeline; within rxjs or xstate it would end the process or the machine. */
  private guarded(order: () => void): void {
    try {
      order();
    } catch (error) {
      this.broken(error);
    }
  }

  /** While a pipeline drains, the end of its source is what everybody waits for. */
  private ended(): void {
    if (!this.actor.getSnapshot().matches('draining')) this.broken(new Error('its source ended'));
  }

  private broken(error: unknown): void {
    if (this.isHalting) {
      // Why it stops is known already.
      tell(this.actor, { type: 'BROKEN' });
      return;
    }
    this.failure = asTidegateError(error, 'TG_FLOW_FAILED');
    // What only a person can mend is not tried again; a pipeline that drains has no other try anyway.
    const isFinal = this.failure.next === 'stop' && !this.actor.getSnapshot().matches('draining');
    tell(this.actor, { type: isFinal ? 'FAIL' : 'BROKEN' });
  }

  private failed(message: Message, failure: TidegateError): void {
    this.options.figures.failed(failure.code);
    if (failure.next !== 'reject') return;
    if (!this.options.stopsOnFailure) {
      this.complaints.add(message, failure);
      return;
    }
    this.failedOn = factsOf(message);
    this.failure = new TidegateError(
      failure.code,
      `${message.offset < 0 ? 'a message' : `record ${message.topic}/${message.partition}/${message.offset}`} cannot be processed: ${failure.message}`,
      failure,
    );
    this.isHalting = true;
    this.flight.nackBehind(message, this.haltReason());
    // The record itself is still counted.
    tell(this.actor, { type: this.flight.size > 1 ? 'HALT' : 'FAIL' });
  }

  private haltReason(): TidegateError {
    return new TidegateError('TG_FLOW_FAILED', `the pipeline ${this.name} stops at a record in front of this one`);
  }

  private shut(reason: TidegateError): void {
    this.isHalting = false;
    this.cancelHalt?.();
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    this.flight.nackAll(reason);
    void this.ends.close();
  }
}

/** Without messages that were settled on their way, or whose whole was. */
function unsettled({ messages }: Batch): Batch {
  return new Batch(messages.filter((message) => !(message.source ?? message).isSettled));
}
