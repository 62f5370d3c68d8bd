import { Subject, type Subscription } from 'rxjs';
import { createActor } from 'xstate';
import { type BackoffOptions, backoffDelay } from '../../core/backoff.ts';
import type { Batch } from '../../core/batch.ts';
import { jitterOf } from '../../core/clock.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { type FailurePolicy, InFlightMessages, type InFlightObserver } from '../../pipelines/in-flight.ts';
import { ProcessorSet } from '../../pipelines/processor-set.ts';
import { TapPoints } from '../../pipelines/tap-points.ts';
import { startActor, tell } from '../lifecycle.ts';
import { FailureLog } from './failure-log.ts';
import { Halt } from './halt.ts';
import { LatencySample } from './latency-sample.ts';
import { type PipelineActor, type PipelineControl, pipelineMachine } from './machine.ts';
import { pipelineFlow } from './pipeline-flow.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import { SourceAndSink } from './source-and-sink.ts';

const RESTART: BackoffOptions = { initial: 200, max: 10_000 };

/** A pipeline: opens source and sink, runs the flow between them, bounds what is in flight, restarts what broke. */
export class Pipeline implements PipelineControl, InFlightObserver {
  readonly name: string;
  readonly actor: PipelineActor;
  readonly inFlight: InFlightMessages;
  /** Where its messages can be watched; they end with it. */
  readonly taps: TapPoints;
  private readonly options: PipelineOptions;
  private readonly sourceAndSink: SourceAndSink;
  private readonly processors: ProcessorSet;
  private readonly failureLog: FailureLog;
  private readonly halting: Halt;
  private readonly flush = new Subject<void>();
  private readonly opened = new Subject<void>();
  private subscription: Subscription | undefined;
  /** Whether its source, which reads nothing more, still hands over what it has read. */
  private isHandingOver = false;
  private attempts = 0;
  /** Counts the tries to open; the outcome of an earlier one has no effect. */
  private run = 0;
  /** Why it broke last; undefined once it runs again. */
  failure: TidegateError | undefined;
  private readonly latency: LatencySample;
  private whenDrained: () => void = () => {};
  private readonly whenEmpty: (() => void)[] = [];

  constructor(options: PipelineOptions) {
    this.options = options;
    this.name = options.name;
    this.sourceAndSink = new SourceAndSink(options.source, options.sink, options.name, options.logger);
    this.processors = new ProcessorSet(options.stages);
    this.taps = new TapPoints(options.stages);
    this.failureLog = new FailureLog(options.logger, options.clock);
    const policy: FailurePolicy = (message, failure) => {
      options.tracing.failed(message, failure);
      return options.failurePolicy(message, failure);
    };
    this.inFlight = new InFlightMessages(options.inFlight, policy, this);
    this.halting = new Halt(options.name, options.clock);
    this.latency = new LatencySample(options.metrics.latency, options.clock);
    options.metrics.watch(this.inFlight);
    this.actor = startActor(
      createActor(pipelineMachine, { input: { control: this } }),
      `pipeline ${this.name}`,
      options.logger,
    );
  }

  get isEmpty(): boolean {
    return this.inFlight.size === 0 && !this.isHandingOver;
  }

  get isCongested(): boolean {
    return !this.inFlight.gate.isOpen;
  }

  /** Why the pipeline has failed for good; undefined otherwise. */
  get finalFailure(): TidegateError | undefined {
    return this.actor.getSnapshot().matches('failed') ? this.failure : undefined;
  }

  /** Why the pipeline does not run, for readiness; undefined while it does. */
  get notReadyReason(): string | undefined {
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

  // --- from the messages in flight

  gateChanged(open: boolean): void {
    this.options.metrics.gateChanged(open);
    if (!open) this.flush.next();
    tell(this.actor, { type: open ? 'CLEAR' : 'CONGEST' });
    if (open) this.opened.next();
  }

  messageSettled(message: Message, failure: TidegateError | null): void {
    this.options.source.settled?.(message);
    // It was counted, and failed, when it was read for the first time.
    if (message.isReplayed) return;
    if (failure === null) this.options.metrics.sent.value += 1;
    else this.failed(message, failure);
    this.latency.settled(message);
  }

  emptied(): void {
    if (this.isHandingOver) return;
    for (const resolve of this.whenEmpty.splice(0)) resolve();
    if (this.halting.isOn || this.actor.getSnapshot().matches('draining')) tell(this.actor, { type: 'EMPTY' });
  }

  // --- orders of the machine

  open(): void {
    this.run += 1;
    const { run } = this;
    this.openBoth(run).then(
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
    const { logger, metrics, clock } = this.options;
    this.attempts += 1;
    const delay = backoffDelay(this.attempts, RESTART, () => jitterOf(clock));
    const why = this.failure?.message ?? 'the flow ended';
    logger.error(
      { code: this.failure?.code, error: this.failure?.cause },
      `the pipeline ${this.name} broke and starts again in ${delay} ms: ${why}`,
    );
    metrics.restarts.value += 1;
    this.shut(new TidegateError('TG_FLOW_FAILED', `the pipeline ${this.name} broke: ${why}`));
    clock.after(delay, () => tell(this.actor, { type: 'RETRY' }));
  }

  fail(): void {
    this.options.logger.error(
      { code: this.failure?.code, ...this.halting.failedOn },
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
    this.halting.wait(() => tell(this.actor, { type: 'FAIL' }));
    this.endReading();
  }

  finished(): void {
    this.subscription?.unsubscribe();
    this.whenDrained();
  }

  /** Closes source, processors and sink; what is in flight is nacked. Only after `drained`, or to force an end. */
  async close(): Promise<void> {
    this.run += 1;
    this.options.breaking?.();
    this.inFlight.nackAll(new TidegateError('TG_STOPPING', 'the gateway stopped before the message was processed'));
    this.subscription?.unsubscribe();
    this.taps.end();
    this.options.closed?.();
    await Promise.allSettled([this.processors.close(), this.sourceAndSink.close()]);
  }

  // --- within

  private async openBoth(run: number): Promise<void> {
    await this.processors.open();
    if (!this.isOpening(run)) return;
    await this.sourceAndSink.open(
      () => this.isOpening(run),
      () => this.connect(),
    );
    if (run !== this.run) return;
    this.attempts = 0;
    this.failure = undefined;
  }

  private connect(): void {
    this.subscription = pipelineFlow(this.options, {
      inFlight: this.inFlight,
      halt: this.halting,
      flush$: this.flush,
      opened$: this.opened,
      failureLog: this.failureLog,
      taps: this.taps,
    }).subscribe({
      next: (ready) => this.write(ready),
      error: (error: unknown) => this.broken(error),
      complete: () => this.ended(),
    });
    this.subscription.add(this.options.sink.failed$?.subscribe((failure) => this.broken(failure)));
  }

  /** Whether that try still counts: the pipeline may have been drained, closed or broken meanwhile. */
  private isOpening(run: number): boolean {
    return run === this.run && this.actor.getSnapshot().matches('opening');
  }

  private write(batch: Batch): void {
    const { metrics, sink } = this.options;
    const wanted = this.halting.unsettled(batch);
    if (wanted.length === 0) return;
    metrics.batch.record(wanted.length);
    this.latency.begin(wanted);
    this.taps.sink.observe?.(wanted.messages);
    this.guarded(() => sink.write(wanted));
  }

  /** Reads nothing more, and hands on what was read. */
  private endReading(): void {
    const { source } = this.options;
    this.guarded(() => {
      const late = source.drain === undefined ? source.pause() : source.drain();
      if (late instanceof Promise) this.handingOver(late);
    });
    this.flush.next();
  }

  private handingOver(late: Promise<void>): void {
    this.isHandingOver = true;
    const done = () => {
      this.isHandingOver = false;
      this.flush.next();
      if (this.isEmpty) this.emptied();
    };
    late.then(done, (error: unknown) => {
      done();
      this.broken(error);
    });
  }

  /** A plugin that throws breaks its pipeline; within rxjs or xstate it would end the process or the machine. */
  private guarded(order: () => void): void {
    try {
      order();
    } catch (error) {
      this.broken(error);
    }
  }

  /** While a pipeline drains, its source is meant to end. */
  private ended(): void {
    if (!this.actor.getSnapshot().matches('draining')) this.broken(new Error('its source ended'));
  }

  private broken(error: unknown): void {
    if (this.halting.isOn) {
      // Why it stops is known already.
      tell(this.actor, { type: 'BROKEN' });
      return;
    }
    this.failure = asTidegateError(error, 'TG_FLOW_FAILED');
    // An error that needs an operator is not tried again; a pipeline that drains has no other try anyway.
    const isFinal = this.failure.next === 'stop' && !this.actor.getSnapshot().matches('draining');
    tell(this.actor, { type: isFinal ? 'FAIL' : 'BROKEN' });
  }

  private failed(message: Message, failure: TidegateError): void {
    this.options.metrics.failed(failure.code);
    if (failure.next !== 'reject') return;
    const { stopsOnFailure } = this.options;
    const stops = typeof stopsOnFailure === 'boolean' ? stopsOnFailure : stopsOnFailure(message);
    if (!stops) {
      this.failureLog.add(message, failure);
      return;
    }
    this.failure = this.halting.begin(message, failure);
    this.inFlight.nackBehind(message, this.halting.reason);
    // The record itself is still counted.
    tell(this.actor, { type: this.inFlight.size > 1 ? 'HALT' : 'FAIL' });
  }

  private shut(reason: TidegateError): void {
    this.halting.end();
    this.subscription?.unsubscribe();
    this.subscription = undefined;
    this.options.breaking?.();
    this.inFlight.nackAll(reason);
    void this.sourceAndSink.close();
  }
}
