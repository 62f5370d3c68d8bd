import type { SimulatedClient } from './client.ts';
import type { ConnectOptions } from './door.ts';
import type { InputMessage, OutputMessage } from './messages.ts';
import type { ConfigSource, SimulatedConfig } from './simulated-config.ts';
import { Simulation, type SimulationOptions } from './simulation.ts';

/** Time that goes by between messages, in milliseconds. */
export interface Pause {
  readonly after: number;
}

/**
 * Puts messages into a pipeline of a configuration and gives what came out, by the name of the topic, endpoint or sink. Pauses
 * among the messages let time go by; after the last one the gateway is stopped. Rejects with a ConfigError for a configuration
 * with mistakes, and with TG_CONFIG_INVALID where it has no such pipeline.
 *
 * ```js
 * const output = await runPipeline({ file: 'gateway.yaml' }, 'orders-in', [
 *   { json: { total: 5 }, key: 'ada' },
 *   { json: { total: -1 } },
 *   { after: 61_000 },
 * ]);
 * assert.deepEqual(output.orders.map(({ json }) => json), [{ total: 5 }]);
 * ```
 */
export async function runPipeline(
  config: ConfigSource | SimulatedConfig,
  pipeline: string,
  input: readonly (InputMessage | Pause)[],
  options?: SimulationOptions,
): Promise<Readonly<Record<string, readonly OutputMessage[]>>> {
  const simulation = await Simulation.start(config, options);
  try {
    for (const part of partsOf(input)) {
      if (Array.isArray(part)) simulation.feed(pipeline, part);
      else await simulation.advance(part.after);
    }
    await simulation.quiet();
  } finally {
    await simulation.stop();
  }
  return Object.fromEntries(simulation.output());
}

/** A client, and the gateway that it is connected to. */
export interface Connected {
  readonly client: SimulatedClient;
  readonly simulation: Simulation;
}

/**
 * Starts the gateway of a configuration and connects a client to one of its endpoints; more clients come by
 * `simulation.connect`. Rejects as `runPipeline` does, and with TG_NOT_ALLOWED where the handshake is refused.
 *
 * ```js
 * const { client, simulation } = await connect({ file: 'gateway.yaml' }, 'orders', { identity: { sub: 'ada' } });
 * client.send({ total: 5 });
 * await simulation.quiet();
 * assert.equal(client.frames.length, 1);
 * await simulation.stop();
 * ```
 */
export async function connect(
  config: ConfigSource | SimulatedConfig,
  endpoint: string,
  { simulation: options, ...how }: ConnectOptions & { readonly simulation?: SimulationOptions } = {},
): Promise<Connected> {
  const simulation = await Simulation.start(config, options);
  try {
    return { client: await simulation.connect(endpoint, how), simulation };
  } catch (error) {
    await simulation.stop();
    throw error;
  }
}

/** Messages that follow each other are put in together. */
function partsOf(input: readonly (InputMessage | Pause)[]): (InputMessage[] | Pause)[] {
  const parts: (InputMessage[] | Pause)[] = [];
  for (const one of input) {
    const last = parts.at(-1);
    if ('after' in one) parts.push(one);
    else if (Array.isArray(last)) last.push(one);
    else parts.push([one]);
  }
  return parts;
}
