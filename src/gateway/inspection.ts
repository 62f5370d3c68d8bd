import { ownEntry } from '../core/own-entry.ts';
import type { MemberStatus } from '../telemetry/read-report.ts';
import { VERSION } from '../version.ts';
import type { GatewayContext } from './gateway-context.ts';
import type { GatewayParts } from './parts.ts';
import type { BoundPorts, GatewaySnapshot, GroupSnapshot } from './snapshot.ts';

export function inspect(context: GatewayContext, parts: GatewayParts, ports: BoundPorts): GatewaySnapshot {
  const { config, log, link, topics } = context;
  const { listeners, endpoints, pipelines, servers, status, reloads } = parts;
  const { reasons } = status;
  return {
    version: VERSION,
    state: status.phase.value,
    ready: reasons.length === 0,
    reasons,
    config: { generation: reloads.generation, files: reloads.files },
    log: { driver: log.driver, up: link.isUp },
    listeners: listeners.all.map((listener) => {
      const { name } = listener;
      return {
        name,
        state: stateOf(listener),
        port: ports.listeners[name] ?? 0,
        attached: ownEntry(servers, name) !== undefined,
      };
    }),
    endpoints: Object.entries(config.endpoints).map(([name, { listener, path, codec }]) => {
      const endpoint = endpoints.byName.get(name);
      const facts = { name, listener, paths: path, codec: codec.spec.name, connections: endpoint?.size ?? 0 };
      if (endpoint?.channels === undefined) return facts;
      return { ...facts, channels: endpoint.channels.size, subscriptions: endpoint.channels.subscriptions };
    }),
    pipelines: pipelines.all.map((pipeline) => {
      return { name: pipeline.name, state: stateOf(pipeline), inFlight: pipeline.inFlight.size };
    }),
    topics: [...topics.values()].map((topic) => {
      return { name: topic.name, state: stateOf(topic), pending: topic.pending };
    }),
    groups: context.reading.members.map((member) => groupOf(context, member)),
    rooms: [...endpoints.byName.values()].flatMap(({ name, presence }) =>
      presence === undefined ? [] : [{ endpoint: name, members: [...presence.names] }],
    ),
  };
}

function groupOf({ groups }: GatewayContext, member: MemberStatus): GroupSnapshot {
  const { group, topics, state, partitions } = member;
  // A group of clients asks for its member with its own list of topics.
  const shared = groups.all.find((one) => one.group === group && one.topics === topics);
  const lag = (shared ?? member).lag();
  return {
    group,
    topics,
    state,
    members: shared?.size ?? 1,
    partitions: partitions.map(({ topic, partition }) => {
      return { topic, partition, lag: lag.get(topic)?.get(partition) ?? 0 };
    }),
  };
}

interface Machine {
  readonly actor: { getSnapshot(): { readonly value: unknown } };
}

/** Inner states behind a dot: `running.congested`. */
function stateOf({ actor }: Machine): string {
  return nameOf(actor.getSnapshot().value);
}

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([outer, inner]) => `${outer}.${nameOf(inner)}`)
    .join(' ');
}
