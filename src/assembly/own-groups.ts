import { groupOfSink } from '../config/connect/index.ts';
import type { GatewayConfig } from '../config/index.ts';

/** The groups in which gateways read by themselves: a client that joined one would take their partitions, or make all of them wait for its rebalances. */
export class OwnGroups {
  private readonly names = new Set<string>();
  private readonly hasConnectors: boolean;

  constructor({ connect }: Pick<GatewayConfig, 'connect'>) {
    this.hasConnectors = connect !== undefined;
    if (connect !== undefined) this.names.add(connect.group);
  }

  add(group: string): void {
    this.names.add(group);
  }

  /** Sinks of connectors count wherever they run: their group begins with what all of theirs begin with. */
  has(group: string): boolean {
    return this.names.has(group) || (this.hasConnectors && group.startsWith(groupOfSink('')));
  }
}
