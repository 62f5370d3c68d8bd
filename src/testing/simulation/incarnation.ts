import type { GatewayConfig } from '../../config/index.ts';
import { Gateway } from '../../gateway/gateway.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { Door } from './door.ts';
import type { Identities } from './identities.ts';
import type { MemoryConnection, MemoryLog } from './memory-log.ts';
import { ScopedClock } from './scoped-clock.ts';
import type { TestClock } from './test-clock.ts';

export interface IncarnationParts {
  readonly clock: TestClock;
  readonly log: MemoryLog;
  readonly logger: Logger;
  readonly identities: Identities;
  /** Gives the ids of clients. */
  readonly newId: () => string;
  /** The configuration with what the simulation puts in place of its components. */
  readonly config: (isOver: () => boolean) => GatewayConfig;
}

/** One life of the gateway, from its start to its stop or to a crash. */
export class Incarnation {
  readonly gateway: Gateway;
  readonly door: Door;
  private readonly clock: ScopedClock;
  private readonly life: { isOver: boolean; connection: MemoryConnection | undefined };

  static async create({ clock, log, logger, identities, newId, config }: IncarnationParts): Promise<Incarnation> {
    const life: Incarnation['life'] = { isOver: false, connection: undefined };
    const scoped = new ScopedClock(clock);
    const settings = config(() => life.isOver);
    const door = new Door(Object.keys(settings.listeners));
    const gateway = await Gateway.create(settings, {
      logger,
      servers: door.servers,
      authenticators: await identities.authenticators(settings, scoped),
      clock: scoped,
      newId,
      createLog: (shared) => {
        life.connection = log.connect(shared);
        return life.connection;
      },
    });
    return new Incarnation(gateway, door, scoped, life);
  }

  private constructor(gateway: Gateway, door: Door, clock: ScopedClock, life: Incarnation['life']) {
    this.gateway = gateway;
    this.door = door;
    this.clock = clock;
    this.life = life;
  }

  /** The process ends: no timer, no record, no frame of it any more. */
  crash(): void {
    this.life.isOver = true;
    this.clock.cut();
    this.life.connection?.cut();
    this.door.cut();
    void this.gateway.context.telemetry.stop();
  }
}
