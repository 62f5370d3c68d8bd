import { tell } from '../actors/lifecycle.ts';
import type { GatewayConfig } from '../config/index.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import { ownEntry } from '../core/own-entry.ts';
import { formatDuration } from '../core/units.ts';
import { isWithin } from '../core/waiting.ts';
import { portOf } from '../transports/websocket/attached.ts';
import { VERSION } from '../version.ts';
import { announce, greet } from './announcement.ts';
import { GatewayContext } from './gateway-context.ts';
import { inspect } from './inspection.ts';
import { type GatewayParts, type GatewaySetup, makeParts } from './parts.ts';
import type { GatewayPhase } from './phase.ts';
import type { Outcome, ReadConfig } from './reload/reloads.ts';
import type { ReloadCause } from './reload/report.ts';
import type { BoundPorts, GatewaySnapshot, StopReport } from './snapshot.ts';

/** Part of `shutdown.timeout` that is kept for close frames and closing, in milliseconds. */
const CLOSING_TIME = 2_000;
/** Milliseconds that the last confirmations may take once every client has disconnected: none can come. */
const CONFIRMING_TIME = 0;

/** A gateway: starts and stops its parts, in order. */
export class Gateway {
  readonly context: GatewayContext;
  /** Resolves once the topics of the configuration exist; with false where the gateway stops before, or they cannot be made. */
  readonly prepared: Promise<boolean>;
  /** Resolves when the gateway cannot do its work until an operator changes something; never settles otherwise. */
  readonly failed: Promise<TidegateError>;
  private readonly parts: GatewayParts;
  private endPreparation: (isPrepared: boolean) => void = () => {};
  private fail: (failure: TidegateError) => void = () => {};
  private adminPort = 0;
  private connectPort = 0;
  private starting: Promise<void> | undefined;
  private stopping: Promise<StopReport> | undefined;
  private closing: Promise<StopReport> | undefined;

  /** Makes a gateway from a configuration without mistakes. */
  static async create(config: GatewayConfig, setup: GatewaySetup): Promise<Gateway> {
    const context = await GatewayContext.create(config, setup.logger, setup);
    return new Gateway(context, await makeParts(context, setup));
  }

  constructor(context: GatewayContext, parts: GatewayParts) {
    const { log, link, stats } = context;
    this.context = context;
    this.parts = parts;
    this.prepared = new Promise((resolve) => {
      this.endPreparation = resolve;
    });
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
    stats.gauge('tidegate_info', { version: VERSION, driver: log.driver }, () => 1);
    stats.gauge('tidegate_log_up', { driver: log.driver }, () => (link.isUp ? 1 : 0));
  }

  get phase(): Omit<GatewayPhase, 'enter' | 'requestStop'> {
    return this.parts.status.phase;
  }

  /** Resolves when the gateway is ready for the first time; rejects with the reason where it fails or stops before. */
  ready(): Promise<void> {
    return this.parts.status.readiness.wait();
  }

  /** Resolves when every port is bound; the log may come later. Rejects with a `stop` error, and is no good then. */
  start(): Promise<void> {
    if (this.stopping !== undefined) {
      const why = 'the gateway was stopped, and does not start again; create another one';
      return Promise.reject(new TidegateError('TG_NOT_RUNNING', why));
    }
    this.starting ??= this.open();
    return this.starting;
  }

  /** Drains, then closes everything, within `shutdown.timeout`. A gateway that is starting is opened first: closing would miss the rest. */
  stop(): Promise<StopReport> {
    this.parts.status.phase.requestStop();
    this.stopping ??= Promise.resolve(this.starting)
      .catch(() => {})
      .then(() => this.close());
    return this.stopping;
  }

  ports(): BoundPorts {
    const { listeners, servers } = this.parts;
    const ports = listeners.all.map(({ name, port }) => {
      const server = ownEntry(servers, name);
      return [name, server === undefined ? port : portOf(server)] as const;
    });
    return { admin: this.adminPort, connect: this.connectPort, listeners: Object.fromEntries(ports) };
  }

  /** Changes the configuration to the one that `read` gives. Never rejects: where nothing was changed, the outcome says why. */
  reload(cause: ReloadCause, read: ReadConfig): Promise<Outcome> {
    return this.parts.reloads.run(cause, read);
  }

  inspect(): GatewaySnapshot {
    return inspect(this.context, this.parts, this.ports());
  }

  private async open(): Promise<void> {
    const { context, parts } = this;
    const { connect, listeners, admin, status, goneTopics, servers } = parts;
    status.phase.enter('starting');
    greet(context);
    try {
      // Connectors are known to other gateways by the address of their API.
      this.connectPort = (await connect?.listen()) ?? 0;
      await context.log.open();
      await listeners.open();
      this.adminPort = (await admin?.start()) ?? 0;
    } catch (error) {
      status.readiness.end(error);
      // A start that fails leaves nothing behind: no port, no lock, no timer.
      await this.close();
      throw error;
    }
    status.phase.enter('running');
    context.events.emit('wss-ready', this.ports().listeners);
    void this.startFlow();
    goneTopics.start();
    announce(context, this.ports(), servers);
    status.readiness.begin();
  }

  /** Parts that read or write topics start once these exist, for as long as that takes. */
  private async startFlow(): Promise<void> {
    const { pipelines, preparation, connect, status } = this.parts;
    try {
      const isPrepared = await preparation.run();
      if (!isPrepared || status.phase.value !== 'running') return;
    } catch (error) {
      const failure = asTidegateError(error, 'TG_FLOW_FAILED', 'preparing the topics failed');
      this.context.scoped('gateway').error({ code: failure.code }, failure.message);
      this.endPreparation(false);
      this.fail(failure);
      status.readiness.end(failure);
      return;
    }
    status.isFlowing = true;
    pipelines.start();
    this.parts.endpoints.begin();
    connect?.start();
    this.endPreparation(true);
  }

  private close(): Promise<StopReport> {
    this.closing ??= this.drainAndClose();
    return this.closing;
  }

  private async drainAndClose(): Promise<StopReport> {
    const { status, goneTopics, connect, preparation, memory, admin } = this.parts;
    const { awakeClock: clock, config } = this.context;
    const { timeout, jitter } = config.shutdown;
    status.phase.enter('draining');
    status.readiness.end();
    goneTopics.stop();
    await connect?.stopListening();
    preparation.cancel();
    this.endPreparation(false);
    const drained = this.drain(jitter);
    const isDrained = await isWithin(clock, timeout - CLOSING_TIME, drained);
    const unsettled = isDrained ? 0 : await this.force(drained);
    status.phase.enter('closing');
    await isWithin(clock, CLOSING_TIME / 2, this.release());
    memory.close();
    await Promise.all([admin?.stop(), this.context.telemetry.stop()]);
    status.phase.enter('stopped');
    return { unsettled };
  }

  /**
   * Stops in the order of the data, so that nothing is read that cannot be finished: no new sockets; group pipelines
   * settle what they have; each socket gets its answers and its 1012 in its own slot; then the pipelines behind the
   * sockets and the topics run dry.
   */
  private async drain(jitter: number): Promise<void> {
    const { context, parts } = this;
    const { all: endpoints } = parts.endpoints;
    parts.listeners.drain();
    await Promise.all([
      parts.pipelines.membersDrained(),
      ...endpoints.map((endpoint) => endpoint.drain(jitter)),
      parts.connect?.drained(),
    ]);
    await parts.pipelines.othersDrained();
    await context.groups.stop(CONFIRMING_TIME);
    // The members have gone; now the gateway itself resigns.
    await Promise.all(endpoints.map(({ residence }) => residence?.resign()));
    await Promise.all(endpoints.map(({ topics }) => topics?.emptied()));
    await Promise.all([...context.topics.values()].map((topic) => topic.drained()));
  }

  /** Gives up what is not in the log: its senders are answered "retryable", and their sockets closed. Resolves with how many messages these are. */
  private async force(drained: Promise<void>): Promise<number> {
    const { context, parts } = this;
    const { all: endpoints } = parts.endpoints;
    parts.status.phase.enter('forcing');
    let unsettled = parts.connect?.unsettled ?? 0;
    for (const { topics } of endpoints) unsettled += topics?.unsettled ?? 0;
    for (const { inFlight } of parts.pipelines.all) unsettled += inFlight.size;
    const after = formatDuration(context.config.shutdown.timeout - CLOSING_TIME);
    const logger = context.scoped('gateway');
    logger.error(
      { unsettled },
      `not drained after ${after}, giving up ${unsettled} messages that are not known to be in the log; their senders are asked to send them again`,
    );
    for (const endpoint of endpoints) endpoint.drainNow();
    for (const { topics } of endpoints) topics?.abandon();
    for (const { presence } of endpoints) presence?.abandon();
    for (const topic of context.topics.values()) tell(topic.actor, { type: 'ABANDON' });
    if (!(await isWithin(context.awakeClock, CLOSING_TIME / 2, drained)))
      for (const endpoint of endpoints) endpoint.cut();
    return unsettled;
  }

  private async release(): Promise<void> {
    const { endpoints, listeners, pipelines, connect, authenticators } = this.parts;
    listeners.close();
    authenticators.close();
    await Promise.allSettled([
      pipelines.close(),
      ...endpoints.all.map(({ residence }) => residence?.close()),
      connect?.close(),
    ]);
    this.context.link.close();
    await this.context.log.close();
  }
}
