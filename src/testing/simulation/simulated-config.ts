import { type GatewayConfig, loadConfig } from '../../config/index.ts';
import { TidegateError } from '../../core/errors.ts';

/** A configuration: YAML as text, a file of it, or an object with the settings of docs/reference/config.md. */
export type ConfigSource = string | { readonly file: string } | object;

/** A configuration that was read once and can be started any number of times. */
export class SimulatedConfig {
  readonly config: GatewayConfig;

  private constructor(config: GatewayConfig) {
    this.config = config;
  }

  /**
   * Rejects with a ConfigError that lists every mistake, and with TG_CONFIG_UNREADABLE. Variables are those of the process, and
   * no log has to be named: brokers are not asked for.
   */
  static async load(from: ConfigSource): Promise<SimulatedConfig> {
    const options = { production: null };
    if (typeof from === 'string')
      return new SimulatedConfig((await loadConfig({ text: from, name: 'configuration' }, options)).config);
    if (typeof from !== 'object' || from === null)
      throw new TidegateError('TG_CONFIG_INVALID', 'a configuration is YAML as text, { file: path }, or an object');
    if ('file' in from && typeof from.file === 'string')
      return new SimulatedConfig((await loadConfig(from.file, options)).config);
    return new SimulatedConfig((await loadConfig({ admin: { enabled: false }, ...from }, options)).config);
  }
}
