import type { Finding } from './problem.ts';
import { readS2, type S2Settings } from './s2-settings.ts';
import type { ParsedConfig } from './schema.ts';

type Endpoint = ParsedConfig['endpoints'][string];

/**
 * Carries what endpoints say under `s2` over to the settings that it means here, where it wins. The brokers are
 * taken only where `log` names none: all endpoints share one link.
 */
export function applyS2(config: ParsedConfig): { config: ParsedConfig; findings: Finding[] } {
  const findings: Finding[] = [];
  let applied = config;
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    if (endpoint.s2 === undefined) continue;
    const { settings, warnings } = readS2(endpoint.s2);
    findings.push(...warnings.map((warning) => ({ ...warning, path: ['endpoints', name, 's2', ...warning.path] })));
    applied = {
      ...applied,
      log: withLink(applied.log, settings),
      listeners: withPort(applied.listeners, endpoint.listener, settings),
      endpoints: { ...applied.endpoints, [name]: withTopics(endpoint, settings) },
    };
  }
  return { config: applied, findings };
}

function withLink(log: ParsedConfig['log'], { brokers, clientId, ssl, sasl }: S2Settings): ParsedConfig['log'] {
  const isOpen = log.brokers.length === 0 && brokers !== undefined;
  return {
    ...log,
    ...(isOpen ? { brokers: [...brokers] } : {}),
    ...(isOpen && ssl !== undefined ? { ssl } : {}),
    ...(isOpen && sasl !== undefined ? { sasl } : {}),
    ...(clientId === undefined ? {} : { client_id: clientId }),
  };
}

function withPort(
  listeners: ParsedConfig['listeners'],
  name: string,
  { port, host }: S2Settings,
): ParsedConfig['listeners'] {
  const listener = listeners[name];
  if (listener === undefined) return listeners;
  return {
    ...listeners,
    [name]: { ...listener, ...(port === undefined ? {} : { port }), ...(host === undefined ? {} : { host }) },
  };
}

function withTopics(endpoint: Endpoint, settings: S2Settings): Endpoint {
  const { group, from, paused, publish, notify, commit, commitInterval, sessionTimeout } = settings;
  const codec = commit === undefined ? endpoint.codec : { ...endpoint.codec, config: { commit } };
  return {
    ...endpoint,
    codec,
    topics: {
      ...endpoint.topics,
      ...(group === undefined ? {} : { group }),
      ...(from === undefined ? {} : { from }),
      ...(paused === undefined ? {} : { paused }),
      ...(publish === undefined ? {} : { publish }),
      ...(notify === undefined ? {} : { notify }),
      ...(commitInterval === undefined ? {} : { commit_interval: commitInterval }),
      ...(sessionTimeout === undefined ? {} : { session_timeout: sessionTimeout }),
    },
  };
}
