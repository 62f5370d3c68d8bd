import type { Listener } from '../actors/listener/listener.ts';
import type { GatewayConfig } from '../config/index.ts';
import { ownEntry } from '../core/own-entry.ts';
import type { ProgramServer } from '../transports/websocket/attached.ts';
import type { ListenerContext } from './listener-context.ts';
import { createListener, edgeFor, type ListenerConfig, type RoutedListener } from './listeners.ts';

/** Servers of the program that take the place of listeners, by name. */
export type Servers = Readonly<Record<string, ProgramServer>>;

/** Listeners that were made, and bound where their port is free, to take the place of others or to be closed. */
export interface PreparedListeners {
  readonly made: ReadonlyMap<string, RoutedListener>;
  discard(): void;
}

/** The ports that the configuration describes. */
export class ListenerSet {
  private readonly shared: ListenerContext;
  private readonly servers: Servers;
  private byName = new Map<string, RoutedListener>();

  constructor(shared: ListenerContext, servers: Servers) {
    this.shared = shared;
    this.servers = servers;
    for (const [name, config] of Object.entries(shared.context.config.listeners))
      this.byName.set(name, this.create(name, config));
    this.route();
  }

  get all(): readonly Listener[] {
    return [...this.byName.values()].map(({ listener }) => listener);
  }

  /** Binds every port. Rejects with TG_LISTEN_FAILED. */
  async open(): Promise<void> {
    for (const listener of this.all) await listener.open();
  }

  /**
   * Makes those listeners, and binds the ports that no listener of ours has: a port in use is known before anything changes.
   * Rejects with TG_LISTEN_FAILED, TG_CONFIG_INVALID.
   */
  async prepare(config: GatewayConfig, names: readonly string[]): Promise<PreparedListeners> {
    const made = new Map<string, RoutedListener>();
    const discard = () => {
      for (const { listener } of made.values()) listener.close();
    };
    try {
      for (const name of names) {
        const settings = config.listeners[name];
        if (settings === undefined) continue;
        const next = this.create(name, settings);
        made.set(name, next);
        if (!next.isAttached && !this.hasPort(settings)) await next.listener.open();
      }
    } catch (error) {
      discard();
      throw error;
    }
    return { made, discard };
  }

  /**
   * Puts the new ones in place, lets those listen no more whose names are gone, and leads every handshake to the endpoints that
   * there are now. Sockets stay open, as they are their endpoint's. A port of ours that another listener takes is let go just before.
   */
  async become({ made }: PreparedListeners, updated: readonly string[]): Promise<void> {
    const { config } = this.shared.context;
    const old = new Map(this.byName);
    for (const [name, { listener }] of old) {
      if (Object.hasOwn(config.listeners, name) && !made.has(name)) continue;
      this.byName.delete(name);
      listener.close();
    }
    for (const [name, next] of made) this.put(name, next, old.get(name));
    for (const name of updated) {
      const known = this.byName.get(name);
      const settings = config.listeners[name];
      if (known === undefined || settings === undefined) continue;
      this.put(name, { ...known, edge: edgeFor(this.shared, name, settings) }, known);
    }
    const inOrder = Object.keys(config.listeners).flatMap((name): [string, RoutedListener][] => {
      const listener = this.byName.get(name);
      return listener === undefined ? [] : [[name, listener]];
    });
    this.byName = new Map(inOrder);
    this.route();
    const unbound = [...made.values()].filter(({ listener }) => !listener.isListening);
    await Promise.all(unbound.map(({ listener }) => listener.open()));
  }

  /** Leads handshakes to the endpoints that the configuration has now. */
  route(): void {
    for (const { edge, route } of this.byName.values()) route(edge);
  }

  drain(): void {
    for (const listener of this.all) listener.drain();
  }

  close(): void {
    for (const listener of this.all) listener.close();
  }

  private create(name: string, config: ListenerConfig): RoutedListener {
    return createListener(this.shared, name, config, ownEntry(this.servers, name));
  }

  /** Connections that count against limits go on counting. */
  private put(name: string, next: RoutedListener, before: RoutedListener | undefined): void {
    const counted = before?.edge.router.limits;
    if (counted !== undefined) next.edge.router.limits?.takeOver(counted);
    this.byName.set(name, next);
  }

  private hasPort({ port }: ListenerConfig): boolean {
    return port !== 0 && this.all.some((listener) => listener.port === port);
  }
}
