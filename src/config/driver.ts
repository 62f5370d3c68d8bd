import { type Finding, failing } from './problem/problem.ts';
import { suggest } from './problem/suggest.ts';
import type { Driver, ParsedConfig } from './schema/schema.ts';
import type { Environment } from './yaml/interpolate.ts';

/** Where the gateway runs, as far as it matters for the choice of the log. */
export interface Surroundings {
  readonly env: Environment;
  /** A sign that this is a deployment, in words that end "the embedded log is not chosen here because ..."; undefined: none. */
  readonly production: string | undefined;
}

/** `KAFKA_BROKER`, `kafkaBootstrapServers`, `SPRING_KAFKA_BOOTSTRAP_SERVERS`, `REDPANDA_BROKERS` and their like. */
const BROKER_VARIABLE =
  /(?:(?:kafka|redpanda)(?:brokers?|brokerlist|brokerurls?|servers?|hosts?|urls?)|bootstrapservers?)$/;

/**
 * Which log is meant. `auto` is Kafka where brokers are given; the embedded log only where nothing hints at a Kafka
 * that was meant: messages would otherwise be acknowledged into a directory that no one reads.
 */
export function resolveDriver(
  log: ParsedConfig['log'],
  brokerVariables: readonly string[],
  { env, production }: Surroundings,
): Driver | Finding {
  const path = ['log', 'driver'];
  if (log.driver === 'kafkajs' && log.brokers.length === 0) {
    const set = brokerVariables[0] === undefined ? 'set log.brokers' : `set ${brokerVariables[0]}`;
    return failing(['log', 'brokers'], `log.driver is kafkajs, but there are no brokers; ${set}`);
  }
  if (log.driver !== 'auto') return log.driver;
  if (log.brokers.length > 0) return 'kafkajs';
  const stray = Object.keys(env).find((name) => env[name] && looksLikeBrokers(name));
  const set = brokerVariables[0] ?? 'log.brokers';
  if (stray !== undefined) {
    const meant = suggest(stray, brokerVariables) ?? brokerVariables[0];
    const hint = meant === undefined ? `write log.brokers: "\${${stray}}"` : `did you mean ${meant}?`;
    return failing(
      path,
      `${stray} is set, but this configuration does not read it into log.brokers, and messages would go to the embedded log; ${hint} (log.driver: embedded if that is what you want)`,
      { code: 'TG_DRIVER_AMBIGUOUS' },
    );
  }
  if (production === undefined) return 'embedded';
  return failing(
    path,
    `no brokers are given, and the embedded log is not chosen by itself because ${production}; set ${set}, or log.driver: embedded`,
    {
      code: 'TG_DRIVER_AMBIGUOUS',
    },
  );
}

export function looksLikeBrokers(variable: string): boolean {
  return BROKER_VARIABLE.test(variable.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
}
