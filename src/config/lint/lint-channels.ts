import { CHANNEL_NAME_RULE, CLIENT_PREFIX, isChannelName } from '../../core/channel.ts';
import { ownEntry } from '../../core/own-entry.ts';
import { type Expression, filledWith } from '../../sdk/expression.ts';
import { sinksOf } from '../pipelines/ends.ts';
import { endpointsOf } from '../pipelines/pipeline-uses.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import type { EndpointConfig, ParsedConfig } from '../schema/schema.ts';

type Channels = NonNullable<EndpointConfig['channels']>;

/** Channels that records go to, and clients that are in them: either is of no use without the other. */
export function lintChannels(config: ParsedConfig): Finding[] {
  const fed = new Set<string>();
  const all = new Set<string>();
  const findings = Object.entries(config.pipelines).flatMap(([name, pipeline]) =>
    sinksOf(pipeline, ['pipelines', name]).flatMap((sink): Finding[] => {
      const [endpoint] = endpointsOf([sink]);
      if (endpoint === undefined) return [];
      const channels = sink.chosen.spec.channels?.(sink.chosen.config);
      if (channels === undefined) {
        all.add(endpoint);
        return [];
      }
      fed.add(endpoint);
      const path = [...sink.path, sink.chosen.spec.name, 'channel'];
      return [
        ...channels.flatMap((channel) => lintName(channel, path)),
        ...lintReach(endpoint, ownEntry(config.endpoints, endpoint), channels, path),
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

/** What a sink calls a channel. */
function lintName({ text }: Expression, path: Path): Finding[] {
  const literal = filledWith(text, '');
  if (literal.includes('*'))
    return [failing(path, `"${text}" has a *, but a record goes to channels by their full names`)];
  if (!text.includes('${!') && !isChannelName(literal)) return [failing(path, CHANNEL_NAME_RULE)];
  return lintBraces(text, literal, path, 'for each record');
}

/** As parameters of a path are written. */
const BRACES = /\{\s*([A-Za-z_][\w.]*)\s*\}/;

/** Text that looks like a value, and is none. */
function lintBraces(text: string, literal: string, path: Path, who: string): Finding[] {
  const [written, name] = BRACES.exec(literal) ?? [];
  if (name === undefined) return [];
  return [doubting(path, `"${text}" has ${written} as it is written ${who}; for a value write \${! ${name} }`)];
}

/** Whether a client can be in the channels that a sink sends to. */
function lintReach(
  name: string,
  endpoint: EndpointConfig | undefined,
  names: readonly Expression[],
  path: Path,
): Finding[] {
  if (endpoint === undefined) return [];
  const { channels, allow } = endpoint;
  if (channels === undefined) {
    const message = `no client of endpoints.${name} can be in a channel; add channels: {} with join to it, or allow.subscribe`;
    return [failing(path, message)];
  }
  if (channels.join.length > 0 || (allow?.subscribe.length ?? 0) > 0) return [];
  // An expression at the beginning may give the channel of a connection.
  const others = names.filter(({ text }) => !text.startsWith(CLIENT_PREFIX) && !text.startsWith('${!'));
  return others.map(({ text }) =>
    doubting(
      path,
      `no client can be in "${text}": clients of endpoints.${name} are only in channels that begin with ${CLIENT_PREFIX}; add channels.join or allow.subscribe to it`,
    ),
  );
}

function lintFeeding(
  name: string,
  { channels, replay, sse }: EndpointConfig,
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
  if (all.has(name)) return [];
  const findings: Finding[] = [];
  if (replay !== undefined)
    findings.push(
      failing(
        ['endpoints', name, 'replay'],
        'records of channels are not replayed, and no pipeline sends records to all clients; leave this out',
      ),
    );
  if (sse && channels.join.length === 0)
    findings.push(
      doubting(
        ['endpoints', name, 'sse'],
        'clients of server-sent events cannot ask for channels, so they receive nothing here; add channels.join, or leave this out',
      ),
    );
  return findings;
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
    const message = `the clients of the codec "${spec.name}" ${why} and can be in no channel; leave this out, or take json, envelope, raw or centrifuge`;
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
  const reserved = asked.flatMap((action) =>
    (allow?.[action] ?? [])
      .filter(({ text }) => text.startsWith(CLIENT_PREFIX))
      .map(({ text }) =>
        failing(
          place(action),
          `"${text}" allows nothing: channels that begin with ${CLIENT_PREFIX} are each of one connection, which is in its own always`,
        ),
      ),
  );
  return [...unable, ...unread, ...unseen, ...reserved, ...lintJoin(channels, at), ...lintHistory(channels, at)];
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
    return lintBraces(text, literal, place, 'for each client');
  });
  if (join.length > most)
    findings.push(failing([...path, 'join'], `${join.length} channels are more than max_per_connection (${most})`));
  return findings;
}
