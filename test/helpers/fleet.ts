import type { TestContext } from 'node:test';
import { type GatewayProcess, startGateway, until } from './gateway-process.ts';

export interface FleetOptions {
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Gateways for the same clients, started and stopped as Kubernetes does it. */
export class Fleet {
  readonly gateways: GatewayProcess[] = [];
  private readonly t: TestContext;
  private readonly options: FleetOptions;
  /** When each gateway had let in how many, by port. */
  private readonly looks = new Map<number, { readonly at: number; readonly opened: number }[]>();
  private readonly looking: NodeJS.Timeout;

  constructor(t: TestContext, options: FleetOptions) {
    this.t = t;
    this.options = options;
    this.looking = setInterval(() => this.look(), 250);
    t.after(() => clearInterval(this.looking));
  }

  get ports(): number[] {
    return this.gateways.map(({ port }) => port);
  }

  /** One more is there, and ready. */
  async start(port?: number): Promise<GatewayProcess> {
    const gateway = await startGateway(this.t, { ...this.options, ...(port === undefined ? {} : { port }) });
    await gateway.ready();
    this.gateways.push(gateway);
    return gateway;
  }

  /**
   * Not ready from the signal on, while its clients are still there; gone when the last of them is. Resolves with how many
   * it had and its exit code.
   */
  async stop(gateway: GatewayProcess): Promise<{ readonly clients: number; readonly code: number | null }> {
    const clients = await clientsOf(gateway);
    const exited = gateway.stop('SIGTERM');
    await until(
      async () => (await gateway.get('/ready')).status === 503,
      5_000,
      () => 'a gateway that stops says that it is ready',
    );
    const code = await exited;
    this.gateways.splice(this.gateways.indexOf(gateway), 1);
    return { clients, code };
  }

  /** Most clients that one gateway has let in within a second, since the last call. */
  steepest(): number {
    let steepest = 0;
    for (const looks of this.looks.values()) {
      for (const [index, { at, opened }] of looks.entries()) {
        const second = looks.slice(index).find((later) => later.at >= at + 1_000);
        if (second !== undefined) steepest = Math.max(steepest, ((second.opened - opened) * 1_000) / (second.at - at));
      }
    }
    this.looks.clear();
    return Math.round(steepest);
  }

  private look(): void {
    for (const gateway of this.gateways) {
      const { port } = gateway;
      metric(gateway, 'tidegate_connections_opened_total').then(
        (opened) => {
          const looks = this.looks.get(port) ?? [];
          // A successor on the same port begins at 0.
          if (opened < (looks.at(-1)?.opened ?? 0)) looks.length = 0;
          this.looks.set(port, [...looks, { at: Date.now(), opened }]);
        },
        // It has just stopped.
        () => {},
      );
    }
  }
}

export function clientsOf(gateway: GatewayProcess): Promise<number> {
  return metric(gateway, 'tidegate_connections');
}

async function metric(gateway: GatewayProcess, name: string): Promise<number> {
  const { body } = await gateway.get('/metrics');
  return Number(new RegExp(`^${name}\\{[^}]*\\} (\\d+)`, 'm').exec(body)?.[1]);
}
