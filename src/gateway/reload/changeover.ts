import type { Action } from '../../config/difference/difference.ts';
import {
  type ConfigDifference,
  endpointsOf,
  endsOf,
  type GatewayConfig,
  type PipelineConfig,
  sourcesOf,
  takingOver,
} from '../../config/index.ts';
import { ensureTopic } from '../../core/ensure-topic.ts';
import { asTidegateError, TidegateError } from '../../core/errors.ts';
import { retrying } from '../../core/retrying.ts';
import { formatDuration } from '../../core/units.ts';
import { isWithin } from '../../core/waiting.ts';
import type { Authenticators, PreparedEntries } from '../authenticators.ts';
import type { EndpointMakers, EndpointSet } from '../endpoint-set.ts';
import type { GatewayContext } from '../gateway-context.ts';
import type { ListenerSet, PreparedListeners } from '../listener-set.ts';
import type { PipelineSet } from '../pipeline-set.ts';
import { tryPipelines } from '../pipelines.ts';
import { type TopicPreparation, wantedTopics } from '../topic-preparation.ts';
import { TrialEndpoint } from './trial-endpoint.ts';

const RETRY = { initial: 250, max: 5_000 };
/** Milliseconds that components have to close once their pipeline was given up. */
const CLOSE_TIMEOUT = 5_000;

/** The parts that a reload changes. */
export interface ChangingParts {
  readonly authenticators: Pick<Authenticators, 'prepare' | 'become'>;
  readonly endpoints: Pick<
    EndpointSet,
    'byName' | 'namesLeaving' | 'begin' | 'prepare' | 'add' | 'update' | 'letLeave' | 'left' | 'settleReaders'
  >;
  readonly pipelines: Pick<PipelineSet, 'settings' | 'apply' | 'replaced' | 'giveUp'>;
  readonly listeners: Pick<ListenerSet, 'prepare' | 'become' | 'bindUnbound'>;
  readonly preparation: Pick<TopicPreparation, 'newAmong' | 'want'>;
}

/** Everything that could fail has been done. */
export interface Prepared {
  readonly makers: EndpointMakers;
  readonly listeners: PreparedListeners;
  readonly entries: PreparedEntries;
}

/** Brings a running gateway from one configuration to another, in the order of the data. */
export class Changeover {
  private readonly context: GatewayContext;
  private readonly parts: ChangingParts;
  private readonly difference: ConfigDifference;

  constructor(context: GatewayContext, parts: ChangingParts, difference: ConfigDifference) {
    this.context = context;
    this.parts = parts;
    this.difference = difference;
  }

  /**
   * Makes and binds what is new. Rejects with the TidegateError of what cannot be had: a component, a topic, a port, a file. Nothing
   * has changed then.
   */
  async prepare(): Promise<Prepared> {
    const { context, parts } = this;
    const { config } = this.difference;
    const makers = await parts.endpoints.prepare(config, [
      ...this.names('endpoints', 'added'),
      ...this.names('endpoints', 'replaced'),
    ]);
    this.tryPipelines();
    // While the log is away, they are created when it is back.
    if (context.link.isUp)
      await this.createTopics().catch((error: unknown) => {
        if (!asTidegateError(error, 'TG_LOG_UNAVAILABLE').retryable) throw error;
      });
    const ports = [...this.names('listeners', 'added'), ...this.names('listeners', 'replaced')];
    const listeners = await parts.listeners.prepare(config, ports);
    try {
      return { makers, listeners, entries: await parts.authenticators.prepare(context.config.auth, config.auth) };
    } catch (error) {
      listeners.discard();
      throw error;
    }
  }

  discard({ listeners, entries }: Prepared): void {
    listeners.discard();
    entries.discard();
  }

  /** Puts in place what needs no log: keys, ports, and the limits of endpoints. Resolves with what went wrong. */
  async commit({ makers, listeners, entries }: Prepared): Promise<string[]> {
    const { context, parts } = this;
    const { config } = this.difference;
    context.reconfigure(config);
    parts.authenticators.become(config.auth, entries);
    for (const name of this.names('endpoints', 'removed')) parts.endpoints.letLeave(name);
    parts.endpoints.add(makers);
    parts.endpoints.update(this.updatedEndpoints());
    const topics = wantedTopics(config, false);
    for (const { name } of topics) context.reading.expect(name);
    try {
      await parts.listeners.become(listeners, this.names('listeners', 'updated'));
      return [];
    } catch (error) {
      return [asTidegateError(error, 'TG_LISTEN_FAILED').message];
    }
  }

  /**
   * Drains what is not to go on, and starts what is new: clients of endpoints that leave get their answers first, then the
   * pipelines behind them run dry. Resolves with what was given up, as text.
   */
  async moveFlow(): Promise<string[]> {
    const { context, parts } = this;
    const { pipelines, endpoints } = parts;
    const { shutdown, pipelines: wanted } = context.config;
    await this.topicsExist();
    this.awaitReaders(wanted);
    const taking = takingOver(pipelines.settings, context.config);
    const first = Object.fromEntries(Object.entries(wanted).filter(([name]) => !taking.has(name)));
    pipelines.apply(this.meanwhile(first));
    await endpoints.left(shutdown.jitter, shutdown.timeout);
    endpoints.begin();
    pipelines.apply(first);
    const given = taking.size > 0 ? await this.drained() : [];
    pipelines.apply(wanted);
    given.push(...(await this.drained()));
    endpoints.settleReaders();
    context.positions.clear();
    return given;
  }

  /** Resolves when no pipeline drains any more, with what was given up for that, as text. */
  private async drained(): Promise<string[]> {
    const { clock, config } = this.context;
    const { pipelines } = this.parts;
    const { timeout } = config.shutdown;
    if (await isWithin(clock, timeout, pipelines.replaced())) return [];
    const given = pipelines.giveUp();
    // A component that does not close is left behind.
    await isWithin(clock, CLOSE_TIMEOUT, pipelines.replaced());
    return [
      `pipelines were not drained after ${formatDuration(timeout)} (shutdown.timeout): ${given} messages that are not known to be in the log were given up, and their senders asked to send them again`,
    ];
  }

  /** The same where nothing runs yet, as the topics of the start do not exist: what starts then is what is wanted now. */
  async replaceFlow(): Promise<void> {
    const { context, parts } = this;
    parts.preparation.want(wantedTopics(context.config, false));
    parts.pipelines.apply(context.config.pipelines);
    parts.endpoints.settleReaders();
    await parts.endpoints.left(0, context.config.shutdown.timeout);
  }

  /** Parts that need the log, as text. */
  get needingLog(): string[] {
    return this.difference.changes
      .filter(({ part, action }) => /^(?:pipelines|log\.topics)\./.test(part) || action === 'replaced')
      .map(({ part }) => `${part} waits for the log`);
  }

  /** Tries for `shutdown.timeout`: the log may have gone away again. Rejects where it refuses one, or is away for longer. */
  private async topicsExist(): Promise<void> {
    const { clock, config } = this.context;
    const late = new AbortController();
    const cancel = clock.after(config.shutdown.timeout, () => late.abort());
    const attempt = async () => {
      await this.createTopics();
      return true;
    };
    const isDone = await retrying(attempt, { clock, backoff: RETRY, signal: late.signal }).finally(cancel);
    if (isDone !== true)
      throw new TidegateError('TG_LOG_UNAVAILABLE', 'the log went away before new topics were created; reload again');
  }

  /** The topics that are new. Where the log refuses one, or does not answer, it rejects. */
  private async createTopics(): Promise<void> {
    const { context, parts } = this;
    const wanted = wantedTopics(this.difference.config, false);
    for (const topic of parts.preparation.newAmong(wanted)) {
      if (await ensureTopic(context.log.admin, topic))
        context.scoped('gateway').info({}, `created the topic ${topic.name}`);
    }
    parts.preparation.want(wanted);
  }

  /** Whether components can be made is only known once they are. */
  private tryPipelines(): void {
    const { context } = this;
    const { config } = this.difference;
    const endpoints = new Map(Object.keys(config.endpoints).map((name) => [name, new TrialEndpoint()]));
    const changed = Object.entries(config.pipelines).filter(([name, one]) => context.config.pipelines[name] !== one);
    tryPipelines(context, endpoints, Object.fromEntries(changed));
  }

  /** Pipelines as they are to be while clients of endpoints that leave still get their answers. */
  private meanwhile(wanted: GatewayConfig['pipelines']): GatewayConfig['pipelines'] {
    const leaving = this.parts.endpoints.namesLeaving;
    if (leaving.size === 0) return wanted;
    const isTouched = (settings: PipelineConfig) => endpointsOf(endsOf(settings)).some((name) => leaving.has(name));
    const current = this.parts.pipelines.settings;
    const kept = Object.entries(current).filter(([, settings]) => isTouched(settings));
    const others = Object.entries(wanted).filter(([name, settings]) => {
      return !kept.some(([other]) => other === name) && !isTouched(settings);
    });
    return Object.fromEntries([...others, ...kept]);
  }

  /** Of endpoints that go on: what they read between two pipelines waits for the second one. */
  private awaitReaders(wanted: GatewayConfig['pipelines']): void {
    const { endpoints, pipelines } = this.parts;
    for (const [name, settings] of Object.entries(wanted)) {
      if (pipelines.settings[name] === settings) continue;
      for (const endpoint of endpointsOf(sourcesOf(settings))) endpoints.byName.get(endpoint)?.awaitsReader();
    }
  }

  /** Those whose entry of `auth` has changed, too: where tokens may be is part of it. */
  private updatedEndpoints(): string[] {
    const entries = new Set(this.names('auth', 'updated'));
    const { endpoints } = this.difference.config;
    const own = this.names('endpoints', 'updated');
    const others = Object.entries(endpoints).filter(([, { auth }]) => auth !== undefined && entries.has(auth));
    return [...new Set([...own, ...others.map(([name]) => name)])];
  }

  private names(section: string, action: Action): string[] {
    return this.difference.changes
      .filter((change) => change.action === action && change.part.startsWith(`${section}.`))
      .map(({ part }) => part.slice(section.length + 1));
  }
}
