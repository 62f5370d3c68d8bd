import type { ConnectorDescription, Examined, FlatConfig } from '../settings/index.ts';
import type { ConnectorEntry } from './config-table.ts';

/** What the settings of connectors describe. Each settings object is examined once. */
export class ConnectorDescriptions {
  private readonly examine: (config: FlatConfig) => Examined | undefined;
  private readonly known = new WeakMap<FlatConfig, Examined | undefined>();

  constructor(examine: (config: FlatConfig) => Examined | undefined) {
    this.examine = examine;
  }

  /** undefined if there is no class of that name. */
  examined(config: FlatConfig): Examined | undefined {
    if (this.known.has(config)) return this.known.get(config);
    const examined = this.examine(config);
    this.known.set(config, examined);
    return examined;
  }

  /** The connector as its tasks run it; undefined if it has none. */
  ofTasks({ taskSettings }: ConnectorEntry): ConnectorDescription | undefined {
    return taskSettings === undefined ? undefined : this.examined(taskSettings.config)?.description;
  }

  taskCount(entry: ConnectorEntry | undefined): number {
    return entry === undefined ? 0 : (this.ofTasks(entry)?.tasks.length ?? 0);
  }
}
