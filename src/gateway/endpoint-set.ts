import type { Endpoint } from '../actors/endpoint/endpoint.ts';
import { endpointsOf, type GatewayConfig, sourcesOf } from '../config/index.ts';
import { OwnStats } from '../telemetry/own-stats.ts';
import type { Stats } from '../telemetry/stats.ts';
import type { Authenticators } from './authenticators.ts';
import { endpointChanges, endpointMaker } from './endpoints.ts';
import type { GatewayContext } from './gateway-context.ts';

/** Makes endpoints by name; nothing of them is there before. */
export type EndpointMakers = ReadonlyMap<string, () => Endpoint>;

/** The endpoints that the configuration describes, and those whose clients are still being closed. */
export class EndpointSet {
  private readonly context: GatewayContext;
  private readonly authenticators: Authenticators;
  private readonly current = new Map<string, Endpoint>();
  private readonly leaving = new Set<Endpoint>();
  /** By which each keeps its topics open. */
  private readonly holders = new WeakMap<Endpoint, object>();
  /** Those whose rooms are not open yet. */
  private readonly fresh = new Set<Endpoint>();
  /** Of each name, as an endpoint that takes the place of another goes on counting where that one was. */
  private readonly stats = new Map<string, OwnStats>();

  private constructor(context: GatewayContext, authenticators: Authenticators) {
    this.context = context;
    this.authenticators = authenticators;
  }

  static async create(context: GatewayContext, authenticators: Authenticators): Promise<EndpointSet> {
    const endpoints = new EndpointSet(context, authenticators);
    const { config } = context;
    endpoints.add(await endpoints.prepare(config, Object.keys(config.endpoints)));
    endpoints.settleReaders();
    return endpoints;
  }

  /** Those that take clients, by name; it is the same map after a change. */
  get byName(): ReadonlyMap<string, Endpoint> {
    return this.current;
  }

  /** All that have clients. */
  get all(): readonly Endpoint[] {
    return [...this.current.values(), ...this.leaving];
  }

  /** Names of those whose clients are still being closed. */
  get namesLeaving(): ReadonlySet<string> {
    return new Set([...this.leaving].map(({ name }) => name));
  }

  [Symbol.iterator](): Iterator<Endpoint> {
    return this.all[Symbol.iterator]();
  }

  /** Gets ready to make those. Rejects where a component of them cannot be made. */
  async prepare(config: GatewayConfig, names: readonly string[]): Promise<EndpointMakers> {
    const makers = new Map<string, () => Endpoint>();
    for (const name of names) {
      const settings = config.endpoints[name];
      if (settings === undefined) continue;
      const making = { authenticators: this.authenticators, auth: config.auth, stats: this.statsOf(name) };
      const holder = {};
      const make = await endpointMaker(this.context.heldBy(holder), name, settings, making);
      makers.set(name, () => this.held(make(), holder));
    }
    return makers;
  }

  /** Makes endpoints, and those of their names leave. */
  add(makers: EndpointMakers): void {
    for (const [name, make] of makers) {
      this.letLeave(name);
      const endpoint = make();
      this.current.set(name, endpoint);
      this.fresh.add(endpoint);
    }
  }

  /** The topics of rooms and of channels exist: those that are new are opened. */
  begin(): void {
    for (const { residence } of this.fresh) residence?.start();
    this.fresh.clear();
  }

  /** Those that no pipeline of the configuration reads know it. */
  settleReaders(): void {
    const { pipelines } = this.context.config;
    const read = new Set(Object.values(pipelines).flatMap((settings) => endpointsOf(sourcesOf(settings))));
    for (const [name, endpoint] of this.current) if (!read.has(name)) endpoint.hasNoReader();
  }

  /** Those go on with the settings that hold now. */
  update(names: readonly string[]): void {
    const { context, authenticators } = this;
    const { endpoints, auth } = context.config;
    for (const name of names) {
      const settings = endpoints[name];
      if (settings === undefined) continue;
      this.current.get(name)?.update(endpointChanges(context, name, settings, { authenticators, auth }));
    }
  }

  /** That name takes no clients any more. */
  letLeave(name: string): void {
    const endpoint = this.current.get(name);
    if (endpoint === undefined) return;
    this.current.delete(name);
    this.fresh.delete(endpoint);
    this.leaving.add(endpoint);
  }

  /**
   * Closes the clients of those that leave, each in its slot of `jitter` milliseconds, once it has its answers. Resolves when
   * nothing of them is left. `timeout`: milliseconds after which the remaining ones are cut.
   */
  async left(jitter: number, timeout: number): Promise<void> {
    const endpoints = [...this.leaving];
    const cancel = this.context.clock.after(timeout, () => {
      for (const { topics, presence } of endpoints) {
        topics?.abandon();
        presence?.abandon();
      }
      for (const endpoint of endpoints) endpoint.cut();
    });
    await Promise.all(endpoints.map((endpoint) => endpoint.drain(Math.min(jitter, timeout / 2))));
    cancel();
    await Promise.allSettled(endpoints.map((endpoint) => this.end(endpoint)));
  }

  statsOf(name: string): Stats {
    const stats = this.stats.get(name) ?? new OwnStats(this.context.stats);
    this.stats.set(name, stats);
    return stats;
  }

  private held(endpoint: Endpoint, holder: object): Endpoint {
    this.holders.set(endpoint, holder);
    return endpoint;
  }

  private async end(endpoint: Endpoint): Promise<void> {
    const { residence, topics, name } = endpoint;
    await residence?.resign();
    await residence?.close();
    await topics?.emptied();
    this.leaving.delete(endpoint);
    this.context.release(this.holders.get(endpoint) ?? endpoint);
    if (this.current.has(name)) return;
    this.stats.get(name)?.end();
    this.stats.delete(name);
  }
}
