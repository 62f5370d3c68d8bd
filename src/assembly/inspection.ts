import type { Audience } from '../actors/audience/audience.ts';
import type { GatewayLife } from '../actors/gateway/gateway.ts';
import type { Listener } from '../actors/listener/listener.ts';
import type { Pipeline } from '../actors/pipeline/pipeline.ts';
import { VERSION } from '../version.ts';
import type { GatewaySnapshot, GroupSnapshot } from './snapshot.ts';
import type { WatchedMember } from './watched-log.ts';
import type { Workshop } from './workshop.ts';

/** What is looked at. */
export interface Inspected {
  readonly workshop: Workshop;
  readonly life: GatewayLife;
  readonly listeners: readonly Listener[];
  readonly audiences: readonly Audience[];
  readonly pipelines: readonly Pipeline[];
  /** Bound ports by the names of listeners. */
  readonly ports: Readonly<Record<string, number>>;
  readonly isAttached: (listener: string) => boolean;
}

export function inspect(inspected: Inspected): GatewaySnapshot {
  const { workshop, life, listeners, audiences, pipelines, ports, isAttached } = inspected;
  const { config, log, link, topics } = workshop;
  const reasons = life.troubles;
  return {
    version: VERSION,
    state: stateOf(life),
    ready: reasons.length === 0,
    reasons,
    log: { driver: log.driver, up: link.isUp },
    listeners: listeners.map((listener) => {
      const { name } = listener;
      return { name, state: stateOf(listener), port: ports[name] ?? 0, attached: isAttached(name) };
    }),
    endpoints: Object.entries(config.endpoints).map(([name, { listener, path, codec }]) => {
      const connections = audiences.find((audience) => audience.name === name)?.size ?? 0;
      return { name, listener, paths: path, codec: codec.spec.name, connections };
    }),
    pipelines: pipelines.map((pipeline) => {
      return { name: pipeline.name, state: stateOf(pipeline), inFlight: pipeline.flight.size };
    }),
    topics: [...topics.values()].map((topic) => {
      return { name: topic.name, state: stateOf(topic), pending: topic.pending };
    }),
    groups: log.members.map((member) => groupOf(workshop, member)),
    rooms: audiences.flatMap(({ name, presence }) =>
      presence === undefined ? [] : [{ endpoint: name, members: [...presence.names] }],
    ),
  };
}

function groupOf({ groups }: Workshop, { group, topics, state, partitions, member }: WatchedMember): GroupSnapshot {
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
