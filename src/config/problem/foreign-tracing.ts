import { samplerAdvice } from './samplers.ts';

/*
 * Settings of traces as Ballerina's `[b7a.observability.tracing]` and Jaeger's own clients have them, under `tracing` or in
 * groups below it. A file that has them here gets an error with the line that means the same.
 */

type Settings = Readonly<Record<string, unknown>>;

/** Groups whose settings are under `tracing` itself. */
const GROUPS = new Set(['jaeger', 'reporter', 'observability', 'tracing', 'b7a']);

/** What to write in place of an unknown key of `tracing`; undefined for one that is about something else. */
export function tracingAdvice(key: string, siblings: Settings): string | undefined {
  const found = samplerAdvice(key, siblings) ?? ofReporter(key, siblings);
  if (found !== undefined) return found;
  const value = siblings[key];
  if (key === 'enabled') return value === false ? 'write exporter: none' : 'traces are on where there is an endpoint';
  if ((key === 'name' || key === 'provider') && value === 'jaeger') return 'write exporter: jaeger';
  return typeof value === 'object' && value !== null && GROUPS.has(key) ? ofGroup(key, value as Settings) : undefined;
}

function ofReporter(key: string, siblings: Settings): string | undefined {
  switch (
    key
      .toLowerCase()
      .replace(/^reporter/, '')
      .replaceAll(/[^a-z]/g, '')
  ) {
    case 'hostname':
    case 'host':
    case 'agenthost':
    case 'agenthostname': {
      const host = typeof siblings[key] === 'string' ? siblings[key] : 'localhost';
      return `spans go over HTTP; write endpoint: http://${host}:14268/api/traces`;
    }
    case 'port':
    case 'agentport':
      return 'spans go over HTTP, to port 14268 of the endpoint, and not over UDP to an agent';
    case 'logspans':
      return siblings[key] === false ? 'leave it out' : 'write exporter: console to see spans in place of sending them';
    case 'flushintervalms':
    case 'maxbufferspans':
    case 'maxqueuesize':
      return 'it is fixed: every second, at most 8,192 spans';
    default:
      return undefined;
  }
}

function ofGroup(name: string, group: Settings): string {
  const prefixed = name === 'reporter' ? Object.entries(group).map(([key, value]) => [`reporter.${key}`, value]) : [];
  const settings: Settings = name === 'reporter' ? Object.fromEntries(prefixed) : group;
  const each = Object.keys(settings).flatMap((key) => {
    const advice = tracingAdvice(key, settings);
    return advice === undefined ? [] : [`${key}: ${advice}`];
  });
  const rest = each.length === 0 ? '' : ` (${each.join('; ')})`;
  return `its settings are directly under tracing${rest}`;
}
