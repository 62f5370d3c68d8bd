import { ownEntry } from '../core/own-entry.ts';
import type { Finding } from './problem/problem.ts';
import { readS2, type S2Settings } from './s2-settings.ts';
import type { ParsedConfig } from './schema/schema.ts';

type Endpoint = ParsedConfig['endpoints'][string];
type Listener = ParsedConfig['listeners'][string];

/**
 * Carries what endpoints say under `s2` over to the settings that it means here, where it wins. The brokers are
 * taken only where `log` names none: all endpoints share one link.
 */
export function applyS2(config: ParsedConfig): { config: ParsedConfig; findings: Finding[] } {
  const findings: Finding[] = [];
  let { log } = config;
  const listeners = { ...config.listeners };
  const endpoints = { ...config.endpoints };
  for (const [name, endpoint] of Object.entries(config.endpoints)) {
    if (endpoint.s2 === undefined) continue;
    const { settings, warnings } = readS2(endpoint.s2);
    for (const warning of warnings) findings.push({ ...warning, path: ['endpoints', name, 's2', ...warning.path] });
    log = withLink(log, settings);
    const listener = ownEntry(listeners, endpoint.listener);
    if (listener !== undefined) listeners[endpoint.listener] = withPort(listener, settings);
    endpoints[name] = withTopics(endpoint, settings);
  }
  return { config: { ...config, log, listeners, endpoints }, findings };
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

function withPort(listener: Listener, { port, host }: S2Settings): Listener {
  return { ...listener, ...(port === undefined ? {} : { port }), ...(host === undefined ? {} : { host }) };
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
