import { endsOf, type GatewayConfig } from '../config/index.ts';
import { componentsIn } from '../config/schema/step-schema.ts';
import { connectTopics } from '../connect/cluster/topics.ts';
import { groupOfSink } from '../connect/settings/sink-group.ts';
import { InternalTopics } from '../core/internal-topics.ts';
import { presenceTopicsOf } from './presence-topics.ts';

/** The groups in which gateways read by themselves: a client that joined one would take their partitions, or make all of them wait for its rebalances. */
export class OwnGroups {
  /** With the parts that read in them. */
  private readonly names = new Map<string, Set<object>>();
  private readonly hasConnectors: boolean;

  constructor({ connect }: Pick<GatewayConfig, 'connect'>) {
    this.hasConnectors = connect !== undefined;
    if (connect !== undefined) this.add(connect.group, this);
  }

  add(group: string, holder: object): void {
    const holders = this.names.get(group) ?? new Set();
    this.names.set(group, holders.add(holder));
  }

  /** That part does not read any more. */
  release(holder: object): void {
    for (const [group, holders] of this.names)
      if (holders.delete(holder) && holders.size === 0) this.names.delete(group);
  }

  /** Sinks of connectors count wherever they run: their group begins with what all of theirs begin with. */
  has(group: string): boolean {
    return this.names.has(group) || (this.hasConnectors && group.startsWith(groupOfSink('')));
  }
}

/** The topics in which this configuration keeps something of its own, whatever their names are. */
export function internalTopicsOf(config: Parameters<typeof internalNames>[0]): InternalTopics {
  return new InternalTopics(internalNames(config));
}

/** Their names. */
export function internalNames({
  connect,
  endpoints,
  pipelines,
}: Pick<GatewayConfig, 'connect' | 'endpoints' | 'pipelines'>): readonly string[] {
  const own = [...(connect === undefined ? [] : connectTopics(connect.topics)), ...presenceTopicsOf(endpoints)];
  return [
    ...own.map(({ name }) => name),
    ...Object.values(pipelines).flatMap((pipeline) =>
      [...endsOf(pipeline), ...componentsIn(pipeline.processors, [])].flatMap(
        ({ chosen: { spec, config } }) => spec.internalTopics?.(config) ?? [],
      ),
    ),
  ];
}
