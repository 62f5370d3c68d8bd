import { createActor } from 'xstate';
import { startActor, tell } from '../actors/lifecycle.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Counter } from '../telemetry/stats.ts';
import { Incarnation, type IncarnationObserver, type IncarnationOptions } from './incarnation.ts';
import { type PresenceActor, type PresenceControl, presenceMachine } from './machine.ts';
import type { Roster } from './roster.ts';

/** Called with what is read, in the log's order, and with what has become of the incarnation. */
export interface LifeObserver<M, R extends Roster<M>> extends Omit<IncarnationObserver<M>, 'renewed' | 'fenced'> {
  /** A new one begins to read. */
  began(incarnation: Incarnation<M, R>): void;
  /** All has been read and the first lease was read back: members may be shown, and may join. */
  admitted(incarnation: Incarnation<M, R>): void;
  /** A lease of ours was read back. */
  renewed(): void;
  /** What this turn has read is all that the incarnation reads: it is dead, and its members with it. The next one begins. */
  fenced(): void;
  /** No member may join any more. */
  leaving(): void;
  /** Nothing is written any more. */
  ended(): void;
}

export interface PresenceLifeOptions<M, R extends Roster<M>>
  extends Omit<IncarnationOptions<M, R>, 'observer' | 'declaredDead'> {
  readonly endpoint: string;
  readonly metrics: { readonly declaredDead: Counter; readonly fenced: Counter };
  readonly logger: Logger;
  /** What has to be read besides the members before they are shown; nothing where it is left out. */
  readonly listening?: () => Promise<void>;
  readonly observer: LifeObserver<M, R>;
}

export type LifePhase = 'waiting' | 'rebuilding' | 'entering' | 'present' | 'resigning' | 'gone';

/** A gateway's incarnations among those that share members, one after the other, as the machine orders them. */
export class PresenceLife<M, R extends Roster<M>> implements PresenceControl {
  private readonly options: PresenceLifeOptions<M, R>;
  private readonly actor: PresenceActor;
  private incarnation: Incarnation<M, R> | undefined;
  private resigned: Promise<void> | undefined;
  private hasResigned: () => void = () => {};

  constructor(options: PresenceLifeOptions<M, R>) {
    this.options = options;
    const { endpoint, logger } = options;
    const machine = createActor(presenceMachine, { input: { control: this } });
    this.actor = startActor(machine, `presence ${endpoint}`, logger);
  }

  get current(): Incarnation<M, R> | undefined {
    return this.incarnation;
  }

  get phase(): LifePhase {
    return this.actor.getSnapshot().value as LifePhase;
  }

  start(): void {
    tell(this.actor, { type: 'START' });
  }

  resign(): Promise<void> {
    if (this.actor.getSnapshot().status !== 'active') return Promise.resolve();
    this.resigned ??= new Promise((resolve) => {
      this.hasResigned = resolve;
      tell(this.actor, { type: 'RESIGN' });
    });
    return this.resigned;
  }

  async close(): Promise<void> {
    tell(this.actor, { type: 'CLOSE' });
    await this.incarnation?.close();
  }

  // --- from the machine

  rebuild(): void {
    const { metrics, listening, observer, logger, ...options } = this.options;
    const incarnation: Incarnation<M, R> = new Incarnation({
      ...options,
      logger,
      declaredDead: metrics.declaredDead,
      observer: {
        joined: (claim) => observer.joined(claim),
        left: (claim) => observer.left(claim),
        lost: (claim) => observer.lost(claim),
        batchRead: () => observer.batchRead(),
        renewed: () => {
          tell(this.actor, { type: 'LEASED' });
          observer.renewed();
        },
        fenced: () => {
          observer.batchRead();
          tell(this.actor, { type: 'FENCED' });
        },
      },
    });
    this.incarnation = incarnation;
    observer.began(incarnation);
    incarnation.open();
    Promise.all([incarnation.caughtUp, listening?.()]).then(
      () => {
        if (this.incarnation === incarnation) tell(this.actor, { type: 'CAUGHT_UP' });
      },
      (error) => logger.error({ error }, `the members in ${options.topic} cannot be read`),
    );
  }

  enter(): void {
    this.incarnation?.enter();
  }

  admit(): void {
    if (this.incarnation !== undefined) this.options.observer.admitted(this.incarnation);
  }

  fence(): void {
    this.options.metrics.fenced.value += 1;
    void this.incarnation?.close();
    this.options.observer.fenced();
  }

  sayGoodbye(): void {
    this.options.observer.leaving();
    this.incarnation?.sayGoodbye(() => tell(this.actor, { type: 'RESIGNED' }));
  }

  end(): void {
    this.options.observer.leaving();
    this.options.observer.ended();
    this.hasResigned();
  }
}
