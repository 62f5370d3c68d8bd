import { ownEntry } from '../../core/own-entry.ts';
import { type Finding, failing, type Path } from '../problem/problem.ts';
import type { GatewayConfig } from '../schema/schema.ts';
import { outputsOf, topicsNamed, topicsRead } from './known-outputs.ts';
import { missing } from './missing-name.ts';
import type { Step } from './step-schema.ts';
import type { EndpointTest } from './tests-schema.ts';

/** What the steps of an endpoint's test say that does not go together with the rest of the file, or with each other. */
export function lintSteps({ endpoint, steps }: EndpointTest, config: GatewayConfig, path: Path): Finding[] {
  const endpoints = Object.keys(config.endpoints);
  if (ownEntry(config.endpoints, endpoint) === undefined)
    return [missing('endpoint', endpoint, endpoints, [...path, 'endpoint'])];
  const connected = new Set<string>();
  const topics = knownTopics(config);
  return steps.flatMap((step, at): Finding[] => {
    const place = [...path, 'steps', at];
    if (step.kind === 'after') return [];
    if ('topic' in step)
      return topics.isOpen || topics.names.has(step.topic)
        ? []
        : [missing('topic', step.topic, topics.names, [...place, 'topic'])];
    if (step.kind === 'connect') {
      connected.add(step.client);
      return lintConnect(step, endpoint, config, [...place, 'connect']);
    }
    return connected.has(step.client) ? [] : [notConnected(step.client, connected, place)];
  });
}

function notConnected(client: string, connected: ReadonlySet<string>, place: Path): Finding {
  const first = `add { client: ${client}, connect: {} } in front of this step`;
  const others = connected.size === 0 ? '' : `; connected so far: ${[...connected].join(', ')}`;
  return failing([...place, 'client'], `the client "${client}" has not connected; ${first}${others}`);
}

type Connect = Extract<Step, { readonly kind: 'connect' }>;

function lintConnect({ connect }: Connect, usual: string, config: GatewayConfig, path: Path): Finding[] {
  const name = connect.endpoint ?? usual;
  const endpoint = ownEntry(config.endpoints, name);
  if (endpoint === undefined) return [missing('endpoint', name, Object.keys(config.endpoints), [...path, 'endpoint'])];
  if (connect.claims !== undefined && endpoint.auth === undefined)
    return [
      failing(
        [...path, 'claims'],
        `endpoints.${name} has no auth, so nothing is known of its clients; leave claims out`,
      ),
    ];
  return [];
}

/** Topics that the file names; open where clients or messages may name others. */
function knownTopics(config: GatewayConfig): { names: ReadonlySet<string>; isOpen: boolean } {
  const { pipelines, endpoints } = config;
  const isOpen =
    Object.values(endpoints).some(({ codec }) => codec.spec.servesTopics === true) ||
    Object.values(pipelines).some((one) => outputsOf(one, config).isOpen || topicsRead(one)?.hasPatterns === true);
  return { names: topicsNamed(config), isOpen };
}
