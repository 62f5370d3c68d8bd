import { endpointsOf, sharingOf } from './lint-pipelines.ts';
import { doubting, type Finding, failing, type Path } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

type Rule = (config: ParsedConfig) => readonly (Finding | undefined)[];

export function lintEndpoints(config: ParsedConfig): Finding[] {
  return RULES.flatMap((rule) => rule(config)).filter((finding) => finding !== undefined);
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
const nobodyBlocksAll: Rule = ({ endpoints, pipelines }) =>
  Object.entries(endpoints).map(([name, { slow_consumer }]) => {
    if (slow_consumer.when_full !== 'block') return undefined;
    const feeds = ({ source, sink }: (typeof pipelines)[string]) =>
      sharingOf(source) === 'broadcast' && endpointsOf(sink).includes(name);
    const feeder = Object.keys(pipelines).find(
      (pipeline) => pipelines[pipeline] !== undefined && feeds(pipelines[pipeline]),
    );
    return feeder === undefined
      ? undefined
      : failing(
          ['endpoints', name, 'slow_consumer', 'when_full'],
          `pipelines.${feeder} broadcasts to all clients of this endpoint, so "block" would let one slow client hold up all others; use drop_oldest, drop_newest or disconnect`,
        );
  });

const endpointIsRead: Rule = ({ endpoints, pipelines }) => {
  const read = new Set(Object.values(pipelines).flatMap(({ source }) => endpointsOf(source)));
  return Object.entries(endpoints).map(([name, { codec }]) =>
    read.has(name) || codec.spec.servesTopics
      ? undefined
      : doubting(['endpoints', name], 'no pipeline reads this endpoint, so what its clients send goes nowhere'),
  );
};

const listenerIsUsed: Rule = ({ listeners, endpoints }) => {
  const used = new Set(Object.values(endpoints).map(({ listener }) => listener));
  return Object.keys(listeners).map((name) =>
    used.has(name) ? undefined : doubting(['listeners', name], 'no endpoint uses this listener'),
  );
};

const portsDiffer: Rule = ({ admin, listeners }) => {
  const ports: { readonly path: Path; readonly port: number; readonly host: string | undefined }[] = [
    ...(admin.enabled ? [{ path: ['admin', 'port'], port: admin.port, host: admin.host }] : []),
    ...Object.entries(listeners).map(([name, { port, host }]) => ({ path: ['listeners', name, 'port'], port, host })),
  ];
  return ports.map(({ path, port, host }, index) => {
    const other = ports.slice(0, index).find((earlier) => earlier.port === port && overlap(earlier.host, host));
    return port === 0 || other === undefined
      ? undefined
      : failing(path, `port ${port} is taken by ${other.path.join('.')} already; choose another one`);
  });
};

const EVERY_ADDRESS = new Set([undefined, '', '0.0.0.0', '::']);

function overlap(one: string | undefined, other: string | undefined): boolean {
  return one === other || EVERY_ADDRESS.has(one) || EVERY_ADDRESS.has(other);
}

/** A room that nobody named would be another one on every gateway. */
const membersHaveARoom: Rule = ({ endpoints }) =>
  Object.entries(endpoints).flatMap(([name, { codec, presence, allow, web_client }]) => {
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
      spec.hasMembers !== true && spec.servesTopics !== true && allow !== undefined
        ? failing([...path, 'allow'], without)
        : undefined,
      web_client !== undefined && spec.page === undefined
        ? failing([...path, 'web_client'], `there is no page for the codec "${spec.name}"; leave this out`)
        : undefined,
    ];
  });

/** Clients that take what they subscribe to would get nothing of what a pipeline brings. */
const topicsHaveTheirOwnWay: Rule = ({ endpoints, pipelines }) =>
  Object.entries(endpoints).flatMap(([name, { codec, s2 }]) => {
    const path = ['endpoints', name];
    if (codec.spec.servesTopics !== true)
      return [
        s2 === undefined
          ? undefined
          : failing(
              [...path, 's2'],
              `these options are for the codec "topics", not for "${codec.spec.name}"; leave them out`,
            ),
      ];
    return Object.entries(pipelines).flatMap(([pipeline, { source, sink }]) =>
      [
        { end: 'source', chosen: source },
        { end: 'sink', chosen: sink },
      ].map(({ end, chosen }) =>
        endpointsOf(chosen).includes(name)
          ? failing(
              ['pipelines', pipeline, end],
              `the clients of "${name}" publish and subscribe to topics by themselves; let the pipeline work on those topics`,
            )
          : undefined,
      ),
    );
  });

const replayIsFedAndFits: Rule = ({ endpoints, pipelines }) =>
  Object.entries(endpoints).flatMap(([name, { replay, slow_consumer }]) => {
    if (replay === undefined) return [];
    const path = ['endpoints', name, 'replay'];
    const isFed = Object.values(pipelines).some(
      ({ source, sink }) => sharingOf(source) === 'broadcast' && endpointsOf(sink).includes(name),
    );
    return [
      isFed
        ? undefined
        : failing(path, 'no pipeline carries a topic to this endpoint, so there is no past that could be replayed'),
      replay.bytes > slow_consumer.queue
        ? failing(
            [...path, 'bytes'],
            'may not be more than slow_consumer.queue, else a newcomer is taken for a slow client at once',
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
  replayIsFedAndFits,
  pagesDiffer,
  nobodyBlocksAll,
  endpointIsRead,
  listenerIsUsed,
  portsDiffer,
];
