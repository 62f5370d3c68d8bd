import { commonPermissions } from '../../auth/allow-settings.ts';
import { formatSize } from '../../core/units.ts';
import { answers, type EndpointUse, usesOfEndpoints } from '../pipelines/pipeline-uses.ts';
import { doubting, type Finding, failing, type Path } from '../problem/problem.ts';
import type { ParsedConfig } from '../schema/schema.ts';
import { allowedInVain } from './lint-access.ts';

/** `usesOf`: the pipelines at an endpoint. */
type Rule = (
  config: ParsedConfig,
  usesOf: (endpoint: string) => readonly EndpointUse[],
) => readonly (Finding | undefined)[];

/** Seconds of its rate that the largest message may take, as its client is not read for so long. */
const MAX_DEBT = 60;

export function lintEndpoints(config: ParsedConfig): Finding[] {
  const usesOf = usesOfEndpoints(config);
  return RULES.flatMap((rule) => rule(config, usesOf)).filter((finding) => finding !== undefined);
}

const pathsDiffer: Rule = ({ endpoints }) => {
  const taken = new Map<string, string>();
  return Object.entries(endpoints).flatMap(([name, { listener, path }]) =>
    path.map((one) => {
      const route = `${listener} ${one.replaceAll(/\{[^}]*\}/g, '{}')}`;
      const other = taken.get(route);
      taken.set(route, other ?? name);
      return other === undefined
        ? undefined
        : failing(['endpoints', name, 'path'], `endpoints.${other} has ${one} on the listener "${listener}" already`);
    }),
  );
};

/** One socket that does not read would hold up the reader of all. */
const noClientBlocksAll: Rule = ({ endpoints }, usesOf) =>
  Object.entries(endpoints).map(([name, { slow_consumer }]) => {
    const feeder = slow_consumer.when_full === 'block' && usesOf(name).find(({ isBroadcast }) => isBroadcast);
    return feeder
      ? failing(
          ['endpoints', name, 'slow_consumer', 'when_full'],
          `pipelines.${feeder.pipeline} broadcasts to all clients of this endpoint, so "block" would let one slow client hold up all others; use drop_oldest, drop_newest or disconnect`,
        )
      : undefined;
  });

/** Only what a pipeline brings is the newest value of something. */
const newestIsOfRecords: Rule = ({ endpoints }) =>
  Object.entries(endpoints).flatMap(([name, { codec, slow_consumer }]) => {
    const { spec } = codec;
    const path = ['endpoints', name, 'slow_consumer'];
    if (slow_consumer.when_full !== 'latest')
      return slow_consumer.key === undefined
        ? []
        : failing([...path, 'key'], 'key is for when_full: latest; leave this out, or choose latest');
    if (spec.servesTopics === true)
      return failing(
        [...path, 'when_full'],
        `clients of the codec "${spec.name}" confirm what they subscribe to, and get all of it; leave this out`,
      );
    if (spec.resumes === true)
      return failing(
        [...path, 'when_full'],
        `clients of the codec "${spec.name}" connect again for each record that is left out; use disconnect, drop_oldest or drop_newest`,
      );
    return spec.hasMembers === true
      ? failing(
          [...path, 'when_full'],
          `with "latest" a message could overtake the news that a member joined or left the room, which the codec "${spec.name}" tells; use drop_oldest, drop_newest or disconnect`,
        )
      : [];
  });

const endpointIsRead: Rule = ({ endpoints }, usesOf) =>
  Object.entries(endpoints).map(([name, { codec, direction }]) =>
    codec.spec.servesTopics || direction === 'out' || usesOf(name).some(({ end }) => end === 'source')
      ? undefined
      : doubting(
          ['endpoints', name],
          'no pipeline reads this endpoint, so what its clients send goes nowhere; if they only receive, say direction: out',
        ),
  );

/** A client without answers does not learn of an error, and its socket should not pay for a filter. */
const filteredIsAnswered: Rule = ({ endpoints }) =>
  Object.entries(endpoints).map(([name, endpoint]) =>
    endpoint.on_filtered === 'ack' || answers(endpoint)
      ? undefined
      : failing(
          ['endpoints', name, 'on_filtered'],
          `the codec "${endpoint.codec.spec.name}" answers no message as filtered; leave this out`,
        ),
  );

const rejectedGoesSomewhere: Rule = ({ endpoints, pipelines }, usesOf) =>
  Object.entries(endpoints).map(([name, { rejected }]) => {
    if (rejected === 'answer') return undefined;
    const reader = usesOf(name).find(({ end }) => end === 'source')?.pipeline;
    if (reader !== undefined && pipelines[reader]?.on_error.dead_letter !== undefined) return undefined;
    const why =
      reader === undefined
        ? 'no pipeline reads this endpoint'
        : `pipelines.${reader} reads this endpoint and has no on_error.dead_letter`;
    return failing(
      ['endpoints', name, 'rejected'],
      `${why}, so there is no topic for refused frames; add on_error: { dead_letter: ... } to the pipeline that reads it, or leave this out`,
    );
  });

/** A message that a pipeline or the codec waits for would never come. */
const outputTakesNothing: Rule = ({ endpoints }, usesOf) =>
  Object.entries(endpoints).map(([name, { codec, direction }]) => {
    if (direction !== 'out') return undefined;
    const path = ['endpoints', name, 'direction'];
    if (codec.spec.servesTopics)
      return failing(
        path,
        `clients of the codec ${codec.spec.name} publish and subscribe by themselves; leave direction out`,
      );
    const reader = usesOf(name).find(({ end }) => end === 'source')?.pipeline;
    return reader === undefined
      ? undefined
      : failing(
          path,
          `pipelines.${reader} reads this endpoint, but "out" says that its clients send nothing; leave one of them out`,
        );
  });

/** Without a way back, clients could neither join a room nor ask for a topic. */
const eventsNeedNoAnswer: Rule = ({ endpoints }) =>
  Object.entries(endpoints).map(([name, { codec, sse }]) =>
    sse && (codec.spec.servesTopics === true || codec.spec.hasMembers === true || codec.spec.introduces === true)
      ? failing(
          ['endpoints', name, 'sse'],
          `clients of the codec "${codec.spec.name}" have to send something, which clients of server-sent events cannot; leave this out`,
        )
      : undefined,
  );

/** With `close` a message that is larger than the bucket always ends its connection. */
const largestMessageFits: Rule = ({ endpoints }) =>
  Object.entries(endpoints).map(([name, { limits, max_payload }]) => {
    const { bytes, burst, when_over } = limits;
    if (bytes === undefined) return undefined;
    const perSecond = (bytes.count * 1_000) / bytes.period;
    const most = when_over === 'close' ? burst / 1_000 : MAX_DEBT;
    if (max_payload <= perSecond * most) return undefined;
    const what =
      when_over === 'close' ? 'closes its client' : `keeps its client from being read for ${MAX_DEBT} s and more`;
    return doubting(
      ['endpoints', name, 'limits', 'bytes'],
      `a message of max_payload (${formatSize(max_payload)}) ${what} with this limit; raise it, or lower max_payload`,
    );
  });

const listenerIsUsed: Rule = ({ listeners, endpoints }) => {
  const used = new Set(Object.values(endpoints).map(({ listener }) => listener));
  return Object.keys(listeners).map((name) =>
    used.has(name) ? undefined : doubting(['listeners', name], 'no endpoint uses this listener'),
  );
};

const portsDiffer: Rule = ({ admin, listeners }) => {
  const all = [
    ...(admin.enabled ? [{ path: ['admin', 'port'], port: admin.port, host: admin.host }] : []),
    ...Object.entries(listeners).map(([name, { port, host }]) => ({ path: ['listeners', name, 'port'], port, host })),
  ];
  const taken = new Map<number, TakenPort>();
  return all.map(({ path, port, host: given }) => {
    const host = EVERY_ADDRESS.has(given) ? '' : (given ?? '');
    const others = taken.get(port);
    const other = host === '' ? others?.first : (others?.byHost.get(host) ?? others?.byHost.get(''));
    if (others === undefined) taken.set(port, { first: path, byHost: new Map([[host, path]]) });
    else if (!others.byHost.has(host)) others.byHost.set(host, path);
    return port === 0 || other === undefined
      ? undefined
      : failing(path, `port ${port} is taken by ${other.join('.')} already; choose another one`);
  });
};

/** The listeners of a port: the first of all, and the first at each address, where empty text means all addresses. */
interface TakenPort {
  readonly first: Path;
  readonly byHost: Map<string, Path>;
}

const EVERY_ADDRESS = new Set([undefined, '', '0.0.0.0', '::']);

/** A room without a name would be another one on every gateway. */
const membersHaveARoom: Rule = ({ endpoints }) =>
  Object.entries(endpoints).flatMap(([name, { codec, presence, allow, channels, web_client }]) => {
    const { spec } = codec;
    const path = ['endpoints', name];
    const without = `the clients of the codec "${spec.name}" know nothing of each other; leave this out`;
    return [
      spec.hasMembers === true && presence === undefined
        ? failing(
            path,
            `the clients of the codec "${spec.name}" know of each other: add presence: { topic: ... } with the topic of their room`,
          )
        : undefined,
      spec.hasMembers !== true && presence !== undefined ? failing([...path, 'presence'], without) : undefined,
      ...(spec.hasMembers === true || spec.servesTopics === true ? [] : allowedInVain(allow, [...path, 'allow'])),
      web_client !== undefined && spec.page === undefined
        ? failing([...path, 'web_client'], `there is no page for the codec "${spec.name}"; leave this out`)
        : undefined,
      web_client !== undefined && spec.page === 'channels' && channels === undefined
        ? failing(
            [...path, 'web_client'],
            `the page for the codec "${spec.name}" shows channels, and this endpoint has none; add channels: {}, or leave this out`,
          )
        : undefined,
    ];
  });

/** Clients that take what they subscribe to would get nothing of what a pipeline brings. */
const topicsHaveTheirOwnWay: Rule = ({ endpoints }, usesOf) =>
  Object.entries(endpoints).flatMap(([name, { codec, s2 }]) => {
    if (codec.spec.servesTopics !== true)
      return s2 === undefined
        ? []
        : failing(
            ['endpoints', name, 's2'],
            `these options are for the codec "topics", not for "${codec.spec.name}"; leave them out`,
          );
    return usesOf(name).map(({ path }) =>
      failing(
        path,
        `the clients of "${name}" publish and subscribe to topics by themselves; let the pipeline work on those topics`,
      ),
    );
  });

/** Records of a room say who sent them, and their readers believe it. */
const roomsAreNotWrittenTo: Rule = ({ endpoints }) => {
  const rooms = new Set(Object.values(endpoints).flatMap(({ presence }) => presence?.topic ?? []));
  return Object.entries(endpoints).map(([name, { codec, allow }]) => {
    if (codec.spec.servesTopics !== true) return undefined;
    const permissions = commonPermissions(allow ?? {});
    const open = [...rooms].filter((topic) => permissions.has('write', topic));
    return open.length === 0
      ? undefined
      : doubting(
          ['endpoints', name, 'allow', 'write'],
          `clients may write to ${open.join(', ')}, which is presence.topic of a room, in the name of anyone; leave it out`,
        );
  });
};

const replayIsFedAndFits: Rule = ({ endpoints }, usesOf) =>
  Object.entries(endpoints).flatMap(([name, { replay, slow_consumer }]) => {
    if (replay === undefined) return [];
    const path = ['endpoints', name, 'replay'];
    return [
      usesOf(name).some(({ isBroadcast }) => isBroadcast)
        ? undefined
        : failing(path, 'no pipeline carries a topic to this endpoint, so there are no records to replay'),
      replay.bytes > slow_consumer.queue
        ? failing(
            [...path, 'bytes'],
            'may not be more than slow_consumer.queue, else a new client is taken for a slow client at once',
          )
        : undefined,
    ];
  });

const pagesDiffer: Rule = ({ endpoints }) => {
  const taken = new Map<string, string>();
  return Object.entries(endpoints).map(([name, { listener, web_client }]) => {
    if (web_client === undefined) return undefined;
    const other = taken.get(`${listener} ${web_client}`);
    taken.set(`${listener} ${web_client}`, name);
    return other === undefined
      ? undefined
      : failing(['endpoints', name, 'web_client'], `endpoints.${other} has its page at ${web_client} already`);
  });
};

const RULES: readonly Rule[] = [
  pathsDiffer,
  membersHaveARoom,
  topicsHaveTheirOwnWay,
  roomsAreNotWrittenTo,
  replayIsFedAndFits,
  pagesDiffer,
  noClientBlocksAll,
  newestIsOfRecords,
  endpointIsRead,
  filteredIsAnswered,
  rejectedGoesSomewhere,
  outputTakesNothing,
  eventsNeedNoAnswer,
  largestMessageFits,
  listenerIsUsed,
  portsDiffer,
];
