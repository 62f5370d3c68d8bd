import { createActor } from 'xstate';
import { asTidegateError, type TidegateError } from '../../core/errors.ts';
import { formatDuration } from '../../core/units.ts';
import { startActor, tell } from '../lifecycle.ts';
import { countUnsettled, drainInDataOrder, giveUp } from './drain.ts';
import { type GatewayActor, gatewayMachine } from './machine.ts';
import type { GatewayParts } from './parts.ts';
import type { StopReport } from './stop-report.ts';
import { TopicPreparation } from './topics.ts';

export interface ShutdownLimits {
  /** Milliseconds from the order to stop until what is left is given up. */
  readonly timeout: number;
  /** Milliseconds over which the closing of sockets is spread. */
  readonly jitter: number;
}

/** Part of the deadline that is kept for telling clients and closing, in milliseconds. */
const LAST_WORDS = 2_000;

/** Starts and stops everything, in order. */
export class GatewayLife {
  readonly actor: GatewayActor;
  /** Resolves once the topics of the configuration exist; with false where the gateway stops before, or they cannot be made. */
  readonly prepared: Promise<boolean>;
  /** Resolves when the gateway cannot do its work until a person changes something; pending for ever otherwise. */
  readonly failed: Promise<TidegateError>;
  private readonly parts: GatewayParts;
  private readonly limits: ShutdownLimits;
  private readonly preparation: TopicPreparation;
  private endPreparation: (isReady: boolean) => void = () => {};
  private fail: (failure: TidegateError) => void = () => {};
  private stopping: Promise<StopReport> | undefined;

  constructor(parts: GatewayParts, limits: ShutdownLimits) {
    this.parts = parts;
    this.limits = limits;
    this.preparation = new TopicPreparation(parts);
    this.prepared = new Promise((resolve) => {
      this.endPreparation = resolve;
    });
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
    this.actor = startActor(createActor(gatewayMachine), 'gateway', parts.logger);
  }

  get isStopping(): boolean {
    return this.stopping !== undefined;
  }

  /** Why the gateway should get no new traffic; empty when it should. */
  get troubles(): string[] {
    const state = this.actor.getSnapshot();
    if (!state.matches('running')) return [`the gateway is ${String(state.value)}`];
    const { link, pipelines, audiences, connectors } = this.parts;
    if (!link.isUp) return [`the log is not available: ${link.downReason}`];
    if (this.preparation.trouble !== undefined) return [this.preparation.trouble];
    const ofAudiences = audiences.map(({ name, trouble }) => trouble && `the endpoint ${name}: ${trouble}`);
    return [...pipelines.map(({ trouble }) => trouble), ...ofAudiences, connectors?.trouble].filter(
      (trouble) => trouble !== undefined,
    );
  }

  /** Resolves when every listener is bound; the log may come later. Rejects with TG_LISTEN_FAILED, TG_DATA_DIR_OWNED. */
  async start(): Promise<void> {
    tell(this.actor, { type: 'START' });
    try {
      await this.parts.log.open();
      for (const listener of this.parts.listeners) await listener.open();
    } catch (error) {
      tell(this.actor, { type: 'START_FAILED' });
      await this.close();
      throw error;
    }
    tell(this.actor, { type: 'STARTED' });
    this.preparation.run().then(
      (isReady) => {
        if (!isReady || !this.actor.getSnapshot().matches('running')) return;
        for (const pipeline of this.parts.pipelines) pipeline.start();
        for (const { presence } of this.parts.audiences) presence?.start();
        this.parts.connectors?.start();
        this.endPreparation(true);
      },
      (error: unknown) => {
        const failure = asTidegateError(error, 'TG_FLOW_FAILED', 'preparing the topics failed');
        this.parts.logger.error({ code: failure.code }, failure.message);
        this.endPreparation(false);
        this.fail(failure);
      },
    );
  }

  /** Drains and closes; calling it again gives the same report. */
  stop(): Promise<StopReport> {
    this.stopping ??= this.drainAndClose();
    return this.stopping;
  }

  private async drainAndClose(): Promise<StopReport> {
    tell(this.actor, { type: 'STOP' });
    this.preparation.cancel();
    this.endPreparation(false);
    const drained = drainInDataOrder(this.parts, this.limits.jitter);
    let unsettled = 0;
    if (!(await endsWithin(drained, this.limits.timeout - LAST_WORDS))) {
      tell(this.actor, { type: 'FORCE' });
      unsettled = countUnsettled(this.parts);
      this.parts.logger.error(
        { unsettled },
        `not drained after ${formatDuration(this.limits.timeout - LAST_WORDS)}, giving up ${unsettled} messages that are not known to be in the log; their senders are told to send them again`,
      );
      giveUp(this.parts);
      if (!(await endsWithin(drained, LAST_WORDS / 2))) for (const audience of this.parts.audiences) audience.cut();
    }
    tell(this.actor, { type: 'DRAINED' });
    await endsWithin(this.close(), LAST_WORDS / 2);
    return { unsettled };
  }

  private async close(): Promise<void> {
    for (const listener of this.parts.listeners) listener.close();
    await Promise.allSettled([
      ...this.parts.pipelines.map((pipeline) => pipeline.close()),
      ...this.parts.audiences.map(({ presence }) => presence?.close()),
      this.parts.connectors?.close(),
    ]);
    this.parts.link.close();
    await this.parts.log.close();
    tell(this.actor, { type: 'STOPPED' });
  }
}

async function endsWithin(work: Promise<unknown>, milliseconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  const ended = await Promise.race([work.then(() => true), timeout]);
  clearTimeout(timer);
  return ended;
}
