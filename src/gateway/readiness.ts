import { awakeClock, type Clock, systemClock } from '../core/clock.ts';
import { TidegateError } from '../core/errors.ts';

/** Milliseconds between two looks at the parts of the gateway. */
const LOOK = 20;
/** Milliseconds from the start during which clients that come wait for it to be ready. */
const OPENING_TIMEOUT = 5_000;

/** What decides whether a gateway is ready. */
export interface ReadinessSources {
  /** Why the gateway should get no traffic yet; empty when it should. */
  readonly reasons: () => readonly string[];
  /** Why it will never be ready, or undefined: a pipeline has failed for good. */
  readonly failure: () => TidegateError | undefined;
  /** Those of the system where they are left out. */
  readonly clock?: Clock;
  /** Its timers keep the process alive. */
  readonly awakeClock?: Clock;
  /** Called once, when the gateway is ready for the first time. */
  readonly reached: () => void;
}

/**
 * Waits until a gateway is ready for the first time. The parts are looked at every 20 ms until then, because what
 * decides is spread over the link to the log, topics, pipelines, rooms and connectors.
 */
export class Readiness {
  /**
   * While the gateway starts: resolves when it is ready, or will not be for now, because it has failed, is stopped, or takes
   * longer than 5 s. Undefined from then on.
   */
  opening: Promise<void> | undefined;
  private endOpening: () => void = () => {};
  private endTimeout: (() => void) | undefined;
  private readonly promise: Promise<void>;
  private readonly sources: ReadinessSources;
  private resolve: () => void = () => {};
  private reject: (reason: unknown) => void = () => {};
  private isOver = false;
  /** Whether a program waits: only then the next look keeps its process alive. */
  private isAwaited = false;
  private cancelLook: (() => void) | undefined;

  constructor(sources: ReadinessSources) {
    this.sources = sources;
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    // A program that never asks is not ended by the rejection.
    this.promise.catch(() => {});
    this.opening = new Promise((resolve) => {
      this.endOpening = () => {
        this.endTimeout?.();
        this.opening = undefined;
        resolve();
      };
    });
  }

  /** Resolves when the gateway is ready; rejects with the reason where it fails or is stopped before. */
  wait(): Promise<void> {
    this.isAwaited = true;
    if (this.cancelLook !== undefined) this.lookLater();
    return this.promise;
  }

  /** The gateway has started. */
  begin(): void {
    if (this.isOver) return;
    const { reasons, failure, reached, clock = systemClock } = this.sources;
    this.endTimeout ??= clock.after(OPENING_TIMEOUT, this.endOpening);
    const reason = failure();
    if (reason !== undefined) this.end(reason);
    else if (reasons().length > 0) this.lookLater();
    else {
      this.isOver = true;
      this.resolve();
      reached();
      this.endOpening();
    }
  }

  /** The gateway will not be ready any more: it failed with `reason`, or was stopped. */
  end(reason: unknown = new TidegateError('TG_STOPPING', 'the gateway was stopped before it was ready')): void {
    if (this.isOver) return;
    this.isOver = true;
    this.cancelLook?.();
    this.reject(reason);
    this.endOpening();
  }

  private lookLater(): void {
    const { clock = systemClock, awakeClock: awake = awakeClock } = this.sources;
    this.cancelLook?.();
    this.cancelLook = (this.isAwaited ? awake : clock).after(LOOK, () => {
      this.cancelLook = undefined;
      this.begin();
    });
  }
}
