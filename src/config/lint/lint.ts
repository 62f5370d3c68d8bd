import { readBroker } from '../../transports/kafka/connection/broker-address.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';
import { lintAccess } from './lint-access.ts';
import { lintAuth } from './lint-auth.ts';
import { lintChannels } from './lint-channels.ts';
import { lintEndpoints } from './lint-endpoints.ts';
import { lintExposure } from './lint-exposure.ts';
import { lintExpressions, lintUnevaluated } from './lint-expressions.ts';
import { lintFeeds } from './lint-feeds.ts';
import { lintLabels } from './lint-labels.ts';
import { lintPipelines } from './lint-pipelines.ts';
import { lintTls } from './lint-tls.ts';
import { lintTopics } from './lint-topics.ts';
import { lintTracing } from './lint-tracing.ts';

/** Settings that are understood one by one, but do not go together. `source`: the file as it was read. */
export function lint(config: ParsedConfig, source: unknown): Finding[] {
  return [
    ...lintTracing(config),
    ...lintLog(config),
    ...lintAuth(config),
    ...lintTls(config),
    ...lintExposure(config),
    ...lintEndpoints(config),
    ...lintAccess(config),
    ...lintChannels(config),
    ...lintFeeds(config),
    ...lintPipelines(config),
    ...lintLabels(config),
    ...lintTopics(config),
    ...lintExpressions(config),
    ...lintUnevaluated(config, source),
    ...lintPages(config),
  ];
}

function lintPages({ connect }: ParsedConfig): Finding[] {
  const at = connect?.access_control_allow_origin.indexOf('*') ?? -1;
  if (at === -1) return [];
  const message = 'every page that a browser near this port opens may change connectors; list the origins that may';
  return [doubting(['connect', 'access_control_allow_origin', at], message)];
}

/** A protocol in front of a broker changes nothing, as with Kafka's clients; so it must not say what is not the case. */
function lintLog(config: ParsedConfig): Finding[] {
  const { brokers, ssl, sasl } = config.log;
  return brokers.flatMap((text, index) => {
    const broker = readBroker(text);
    if (typeof broker === 'string' || broker.protocol === undefined) return [];
    const { name, hasTls, hasSasl } = broker.protocol;
    const at = [...placeOfBrokers(config), index];
    const plain = text.slice(text.indexOf('://') + 3);
    if (hasTls !== (ssl !== false)) return unfit(at, name, plain, 'TLS', 'log.ssl', hasTls);
    if (hasSasl !== (sasl !== undefined)) return unfit(at, name, plain, 'SASL', 'log.sasl', hasSasl);
    return [];
  });
}

function unfit(at: Path, protocol: string, plain: string, what: string, setting: string, isWanted: boolean): Finding[] {
  const message = isWanted
    ? `${protocol}:// asks for ${what}, which is off; set ${setting}, or write ${plain}`
    : `${protocol}:// is without ${what}, which ${setting} switches on; write ${plain}`;
  return [failing(at, message)];
}

/** They may come from the options of an endpoint. */
function placeOfBrokers({ log, endpoints }: ParsedConfig): Path {
  for (const [name, { s2 }] of Object.entries(endpoints)) {
    for (const section of ['kafka_config', 'consumer_config'] as const) {
      const given = s2?.[section].kafkaHost;
      if (given !== undefined && given.join() === log.brokers.join())
        return ['endpoints', name, 's2', section, 'kafkaHost'];
    }
  }
  return ['log', 'brokers'];
}
