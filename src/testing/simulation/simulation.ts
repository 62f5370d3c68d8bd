import type { GatewayConfig } from '../../config/index.ts';
import { endpointOutput } from '../../config/tests/known-outputs.ts';
import { TidegateError } from '../../core/errors.ts';
import type { Message } from '../../core/message.ts';
import { ownEntry } from '../../core/own-entry.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Activity, turn } from './activity.ts';
import type { SimulatedClient } from './client.ts';
import type { ConnectOptions } from './door.ts';
import { Feeding } from './feeding.ts';
import { Identities } from './identities.ts';
import { Incarnation } from './incarnation.ts';
import { MemoryLog } from './memory-log.ts';
import type { Fed, InputMessage, OutputMessage } from './messages.ts';
import type { Mocks } from './mocks.ts';
import { NO_LOGGER } from './no-logger.ts';
import { Recording } from './recording.ts';
import { type ReplacementParts, replacementsOf, type Watcher } from './replacements.ts';
import { rewritten } from './rewriting.ts';
import { type ConfigSource, SimulatedConfig } from './simulated-config.ts';
import { TestClock } from './test-clock.ts';

/** Milliseconds of the clock within which a gateway has to be ready. */
const START_TIMEOUT = 60_000;

export interface SimulationOptions {
  /** One that begins at 2024-01-01T00:00:00Z if left out. */
  readonly clock?: TestClock;
  /** One that several gateways share; it has to go by the same clock. */
  readonly log?: MemoryLog;
  /** What labelled processors do in place of their own work. */
  readonly mocks?: Mocks;
  /** Whether processors may ask HTTP servers; otherwise messages that would need it fail. Default: false. */
  readonly network?: boolean;
  /** Sees what sinks of pipelines are given, and what becomes of it. */
  readonly watcher?: Watcher;
  /** What the gateway logs; left out: nothing is logged. */
  readonly logger?: Logger;
}

/**
 * A whole gateway in memory: its pipelines, endpoints and rooms as they are, on a log in memory and by a clock that only the
 * test moves. No port is opened, nothing is written to disk and no other system is asked.
 */
export class Simulation {
  readonly clock: TestClock;
  readonly log: MemoryLog;
  private readonly config: GatewayConfig;
  private readonly logger: Logger;
  private readonly activity = new Activity();
  private readonly recording: Recording;
  private readonly identities = new Identities();
  private readonly feeding: Feeding;
  private readonly replaced: ReplacementParts;
  private readonly endWatching: () => void;
  private current: Incarnation | undefined;
  private ids = 0;

  /**
   * Starts a gateway, and resolves when it is ready. Rejects with what is wrong with the configuration, and with what keeps
   * the gateway from being ready within a minute of the clock.
   */
  static async start(config: ConfigSource | SimulatedConfig, options: SimulationOptions = {}): Promise<Simulation> {
    const loaded = config instanceof SimulatedConfig ? config : await SimulatedConfig.load(config);
    const simulation = new Simulation(loaded.config, options);
    await simulation.begin();
    return simulation;
  }

  private constructor(config: GatewayConfig, options: SimulationOptions) {
    const { clock = new TestClock(), mocks = {}, network = false, logger = NO_LOGGER, watcher } = options;
    this.config = config;
    this.clock = clock;
    this.log = options.log ?? new MemoryLog({ clock });
    this.logger = logger;
    const { activity, log } = this;
    this.feeding = new Feeding({ config, clock, log, activity, life: () => this.current });
    const { fedOf } = this.feeding;
    const recording = new Recording((name, output, sent) => watcher?.cameOut(name, output, sent, fedOf));
    this.recording = recording;
    const outputOf = (endpoint: string) => endpointOutput(endpoint, config);
    this.replaced = { activity, recording, feeding: this.feeding, mocks, mayAsk: network, watcher, outputOf };
    this.endWatching = log.watch((topic, stored, sent) => this.stored(topic, stored, sent), activity.moved);
  }

  /**
   * Puts messages into a pipeline: as records of its topic, where it reads topics, else as if its source had read them. What
   * becomes of each is seen in what is returned, once `quiet` or `advance` have resolved. Throws TG_CONFIG_INVALID where there is no such
   * pipeline, and TG_MESSAGE_INVALID for a message that cannot be.
   */
  feed(pipeline: string, messages: readonly InputMessage[]): readonly Fed[] {
    return this.feeding.feed(pipeline, messages);
  }

  /** Resolves when nothing is left to do without time going on. Rejects with TG_FLOW_FAILED where that never is. */
  quiet(): Promise<void> {
    return this.activity.quiet();
  }

  /** Lets that many milliseconds go by, in steps from timer to timer, each when all is quiet. Resolves when all is quiet at their end. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.clock.elapsed() + milliseconds;
    await this.quiet();
    for (let next = this.clock.next; next !== undefined; next = this.clock.next) {
      if (this.clock.elapsed() + next > end) break;
      await this.step(next);
    }
    this.clock.advance(Math.max(0, end - this.clock.elapsed()));
    await this.quiet();
  }

  /**
   * What has come out so far, in its order: by topic what the gateway has written, by name what endpoints and other sinks were
   * given. What was fed is not in it, nor what rooms, cursors and connectors keep in topics of their own.
   */
  output(): ReadonlyMap<string, readonly OutputMessage[]> {
    return this.recording.output;
  }

  /**
   * Connects a client to an endpoint. Resolves when the gateway has let it in, and has said what it says at once. Rejects with
   * TG_NOT_ALLOWED where the handshake is refused, and TG_CONFIG_INVALID where there is no such endpoint.
   */
  async connect(endpoint: string, options: ConnectOptions = {}): Promise<SimulatedClient> {
    const settings = ownEntry(this.config.endpoints, endpoint);
    if (settings === undefined)
      throw new TidegateError('TG_CONFIG_INVALID', `there is no endpoint ${endpoint} in the configuration`);
    const { door } = this.running();
    const client = door.enter(endpoint, settings, options, this.identities, this.activity.moved);
    // What a token says is checked on a thread.
    const answered = this.activity.begins(() => false);
    while (client.isAsking && client.closed === undefined) await turn();
    answered.end();
    await this.quiet();
    if (client.refusal !== undefined) throw client.refusal;
    return client;
  }

  /**
   * The gateway ends at once, as if its process had been killed, and another one starts on the same log: what was not committed
   * is read again, and clients are gone.
   */
  async crash(): Promise<void> {
    this.running().crash();
    this.activity.moved();
    await this.begin();
  }

  /** Stops the gateway as a deployment does: it settles what it has read, and says goodbye to its clients. */
  async stop(): Promise<void> {
    const { gateway } = this.running();
    await this.during(gateway.stop());
    this.current = undefined;
    this.endWatching();
  }

  private async begin(): Promise<void> {
    const { clock, log, logger, identities } = this;
    const config = (isOver: () => boolean) => rewritten(this.config, replacementsOf(this.replaced, isOver));
    // For what the test asks of it.
    await log.open();
    const newId = () => this.newId();
    this.current = await Incarnation.create({ clock, log, logger, identities, newId, config });
    const { gateway } = this.current;
    try {
      await gateway.start();
      await this.during(gateway.ready(), () => gateway.inspect().reasons.join('; '));
    } catch (error) {
      this.current.crash();
      throw error;
    }
    await this.quiet();
  }

  /** The ids of two runs are the same. */
  private newId(): string {
    this.ids += 1;
    return `00000000-0000-4000-8000-${String(this.ids).padStart(12, '0')}`;
  }

  private running(): Incarnation {
    if (this.current !== undefined) return this.current;
    throw new TidegateError('TG_NOT_RUNNING', 'the simulation has been stopped');
  }

  /** Lets time go by until work has ended. */
  private async during(work: Promise<unknown>, why: () => string = () => 'it does not end'): Promise<void> {
    let isOver = false;
    const end = () => {
      isOver = true;
    };
    work.then(end, end);
    const latest = this.clock.elapsed() + START_TIMEOUT;
    while (!isOver) {
      await this.quiet();
      const { next } = this.clock;
      if (isOver || next === undefined) break;
      if (this.clock.elapsed() + next > latest)
        throw new TidegateError(
          'TG_NOT_RUNNING',
          `the gateway is not ready after ${START_TIMEOUT / 1_000} s of the clock: ${why()}`,
        );
      await this.step(next);
    }
    await work;
  }

  /** Up to the next timer, and through what it sets going. */
  private async step(milliseconds: number): Promise<void> {
    const { count } = this.activity;
    this.clock.advance(milliseconds);
    // Most timers only look whether there is something to do.
    await turn();
    if (this.activity.count !== count) await this.quiet();
  }

  private stored(topic: string, stored: readonly Message[], sent: readonly Message[]): void {
    this.activity.moved();
    if (this.current?.gateway.context.internalTopics.has(topic) !== true) this.recording.add(topic, stored, sent);
  }
}
