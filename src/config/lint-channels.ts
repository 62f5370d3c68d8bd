import { CHANNEL_NAME_RULE, CLIENT_PREFIX, isChannelName } from '../core/channel.ts';
import { sinksOf } from './ends.ts';
import { endpointsOf } from './pipeline-uses.ts';
import { doubting, type Finding, failing, type Path } from './problem.ts';
import type { EndpointConfig, ParsedConfig } from './schema.ts';

type Channels = NonNullable<EndpointConfig['channels']>;

/** Channels that records go to, and clients that are in them: either is of no use without the other. */
export function lintChannels(config: ParsedConfig): Finding[] {
  const fed = new Set<string>();
  const all = new Set<string>();
  const findings = Object.entries(config.pipelines).flatMap(([name, pipeline]) =>
    sinksOf(pipeline, ['pipelines', name]).flatMap((sink): Finding[] => {
      const [endpoint] = endpointsOf([sink]);
      if (endpoint === undefined) return [];
      if (sink.chosen.spec.channels?.(sink.chosen.config) === undefined) {
        all.add(endpoint);
        return [];
      }
      fed.add(endpoint);
      if (config.endpoints[endpoint] === undefined || config.endpoints[endpoint].channels !== undefined) return [];
      return [
        failing(
          [...sink.path, sink.chosen.spec.name, 'channel'],
          `no client of endpoints.${endpoint} can be in a channel; add channels: {} with join to it, or allow.subscribe`,
        ),
      ];
    }),
  );
  return [
    ...findings,
    ...Object.entries(config.endpoints).flatMap(([name, endpoint]) => [
      ...lintEndpoint(endpoint, ['endpoints', name]),
      ...lintFeeding(name, endpoint, fed, all),
    ]),
  ];
}

function lintFeeding(
  name: string,
  { channels, replay }: EndpointConfig,
  fed: ReadonlySet<string>,
  all: ReadonlySet<string>,
): Finding[] {
  if (channels === undefined) return [];
  if (!fed.has(name))
    return [
      doubting(
        ['endpoints', name, 'channels'],
        `no pipeline sends records to channels of this endpoint; write sink: { endpoint: { name: ${name}, channel: ... } }`,
      ),
    ];
  if (replay === undefined || all.has(name)) return [];
  const message = 'records of channels are not replayed, and no pipeline sends records to all clients; leave this out';
  return [failing(['endpoints', name, 'replay'], message)];
}

/** What clients ask for by frames. */
const ASKED = ['subscribe', 'publish'] as const;
const FRAMES = { subscribe: 'subscribes', publish: 'publishes' } as const;
const OTHERWISE = { subscribe: 'use channels.join, or', publish: 'leave this out, or use' };

function lintEndpoint({ channels, allow, direction, codec: { spec } }: EndpointConfig, path: Path): Finding[] {
  const asked = ASKED.filter((action) => (allow?.[action].length ?? 0) > 0);
  const place = (action: (typeof ASKED)[number]) => [...path, 'allow', action];
  if (channels === undefined)
    return asked.map((action) =>
      failing(place(action), 'this endpoint has no channels; add channels: {}, or leave this out'),
    );
  if (spec.hasMembers === true || spec.servesTopics === true) {
    const why = spec.hasMembers === true ? 'are in a room' : 'subscribe to topics';
    const message = `the clients of the codec "${spec.name}" ${why} and can be in no channel; leave this out, or take json, envelope or raw`;
    return [failing([...path, 'channels'], message)];
  }
  const unable = asked
    .filter((action) => spec[FRAMES[action]] !== true)
    .map((action) =>
      failing(
        place(action),
        `clients of the codec "${spec.name}" have no frame to ${action} by; ${OTHERWISE[action]} the codec json`,
      ),
    );
  const unread =
    direction === 'out' && asked.includes('publish')
      ? [failing(place('publish'), 'clients only receive here, as direction is out; leave one of the two out')]
      : [];
  const unseen =
    channels.presence !== undefined && spec.seesPresence !== true
      ? [
          failing(
            [...path, 'channels', 'presence'],
            `clients of the codec "${spec.name}" have no frame to ask which clients are in a channel by; leave this out`,
          ),
        ]
      : [];
  const at = [...path, 'channels'];
  return [...unable, ...unread, ...unseen, ...lintJoin(channels, at), ...lintHistory(channels, at)];
}

function lintHistory({ history }: Channels, path: Path): Finding[] {
  const { last, initial } = history ?? {};
  if (last === undefined || initial === undefined || initial <= last) return [];
  return [failing([...path, 'history', 'initial'], `only ${last} records of a channel are kept (history.last)`)];
}

function lintJoin({ join, max_per_connection: most }: Channels, path: Path): Finding[] {
  const findings = join.flatMap(({ literal, isConstant, text }, at): Finding[] => {
    const place = [...path, 'join', at];
    if (literal.includes('*'))
      return [failing(place, `"${text}" has a *, but a connection joins channels by their full names`)];
    if (text.startsWith(CLIENT_PREFIX))
      return [
        failing(
          place,
          `channels that begin with ${CLIENT_PREFIX} are each of one connection, which is in its own always`,
        ),
      ];
    if (isConstant && !isChannelName(literal)) return [failing(place, CHANNEL_NAME_RULE)];
    return [];
  });
  if (join.length > most)
    findings.push(failing([...path, 'join'], `${join.length} channels are more than max_per_connection (${most})`));
  return findings;
}
