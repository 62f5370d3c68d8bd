import type { AnswerTemplate } from './answer-template.ts';
import { isMadeOf, type Step, type Subscription } from './connect-messages.ts';
import type { RemoteSettings } from './connect-settings.ts';
import { CONNECT_META, type ConnectTemplate, connectMessage } from './connect-template.ts';
import type { ConnectUrl } from './connect-url.ts';
import { isSubprotocol, NO_SUBPROTOCOL } from './handshake.ts';

type Path = readonly (string | number)[];

interface Place {
  readonly path: Path;
  readonly make: Pick<ConnectTemplate, 'uses'>;
  /** Names of the answers that are there by then. */
  readonly answers: readonly string[];
}

/** The settings that are checked. */
interface ConnectSettings extends RemoteSettings {
  readonly resume?: { readonly message?: ConnectTemplate | undefined } | undefined;
  readonly shards?: { readonly per_message?: number | undefined; readonly unsubscribe?: Step | undefined } | undefined;
  readonly ack?: { readonly message: AnswerTemplate } | undefined;
  readonly sequence?: { readonly resubscribe?: readonly { readonly send: AnswerTemplate }[] | undefined } | undefined;
}

/** The use of a value that is always missing or never valid, with the path of its setting. */
interface MistakenUse {
  readonly path: (string | number)[];
  readonly message: string;
}

/**
 * Finds settings that use a value that never is there: a text with a missing value would silently be left out. Also finds
 * subprotocols that are invalid with the configured token, so that every connect would fail, and URLs whose host may be
 * anything. `noCursor` says why there is no cursor.
 */
export function mistakenUses(
  urls: readonly ConnectUrl[],
  settings: ConnectSettings,
  noCursor: string,
): readonly MistakenUse[] {
  const uses = placesOf(urls, settings).flatMap(({ path, make, answers }) =>
    distinct(make.uses.map((use) => mistakeIn(use, settings, answers, noCursor, path))).map((message) => ({
      path: [...path],
      message,
    })),
  );
  return [
    ...uses,
    ...sharedNames(settings),
    ...unusedShards(settings),
    ...impossibleSubprotocols(settings),
    ...unboundHosts(urls, settings),
  ];
}

function mistakeIn(
  [name = '', inner]: readonly string[],
  { auth, prepare, resume, secrets = {}, shards }: ConnectSettings,
  answers: readonly string[],
  noCursor: string,
  [place]: Path,
): string | undefined {
  switch (name) {
    case 'token':
      return auth === undefined ? 'there is no auth, so ${! meta.token } never has a value' : undefined;
    case 'cursor':
      return resume === undefined ? noCursor : undefined;
    case 'now':
      return undefined;
    case 'shard':
      if (shards === undefined) return 'there is no shards, so ${! meta.shard } never has a value';
      if (inner === 'symbol' && shards.per_message !== 1)
        return '${! meta.shard.symbol } has a value with per_message: 1 only; use ${! meta.shard.symbols }, or set it';
      return place === 'subscribe' || place === 'shards'
        ? undefined
        : '${! meta.shard } has a value in the messages of subscribe and in shards.unsubscribe only';
    case 'secrets':
      if (inner !== undefined && Object.hasOwn(secrets, inner)) return undefined;
      return inner === undefined
        ? '${! meta.secrets } is all of them; name one, such as ${! meta.secrets.key }'
        : `there is no ${inner} in secrets`;
    default:
      if (answers.includes(name))
        return mistakeInAnswer(
          name,
          inner,
          prepare.some(({ as }) => as === name),
        );
      return `\${! meta.${name} } has no value here; there are ${[...CONNECT_META, ...answers].map((known) => `meta.${known}`).join(', ')}`;
  }
}

/** An answer, or a reply, has two parts; a field of its JSON that is written without `json` would never have a value. */
function mistakeInAnswer(name: string, part: string | undefined, isOfPrepare: boolean): string | undefined {
  const [what, other] = isOfPrepare ? ['an answer', 'headers'] : ['a reply', 'text'];
  if (part === undefined || part === 'json' || part === other) return undefined;
  return `\${! meta.${name}.${part} } has no value; ${what} has json and ${other}: \${! meta.${name}.json.${part} }`;
}

function distinct(mistakes: readonly (string | undefined)[]): string[] {
  return [...new Set(mistakes.filter((mistake) => mistake !== undefined))];
}

/** Two answers or replies with one name would replace each other. */
function sharedNames({ prepare, subscribe }: ConnectSettings): MistakenUse[] {
  const first = placeOfMessages(subscribe);
  const names = new Set<string | undefined>(prepare.map(({ as }) => as));
  return subscribe.messages.flatMap(({ as }, at) => {
    if (as === undefined) return [];
    const isTaken = names.has(as);
    names.add(as);
    return isTaken ? [{ path: [...first, at, 'as'], message: `another answer or reply has the name ${as}` }] : [];
  });
}

/** Symbols that no message names are not subscribed to. */
function unusedShards({ shards, subscribe }: ConnectSettings): MistakenUse[] {
  if (shards === undefined) return [];
  const isUnused = (step: Step) => !isMadeOf(step, 'shard');
  const mistakes: MistakenUse[] = [];
  if (subscribe.messages.every(isUnused))
    mistakes.push({ path: ['shards'], message: 'no message of subscribe uses ${! meta.shard.symbols }' });
  if (shards.unsubscribe !== undefined && isUnused(shards.unsubscribe))
    mistakes.push({ path: ['shards', 'unsubscribe'], message: 'it does not use ${! meta.shard.symbols }' });
  return mistakes;
}

function impossibleSubprotocols({ auth, protocols }: ConnectSettings): MistakenUse[] {
  const token = auth?.token?.trim();
  if (token === undefined || token === '') return [];
  const values = connectMessage({ token, cursor: undefined, now: 0, secrets: {} });
  return protocols.flatMap(({ make }, at) => {
    const isOfToken = make.uses.length > 0 && make.uses.every(([name]) => name === 'token');
    const text = isOfToken ? make(values) : undefined;
    return typeof text !== 'string' || isSubprotocol(text)
      ? []
      : [{ path: ['protocols', at], message: `with the token, ${NO_SUBPROTOCOL}` }];
  });
}

/** The host of such a URL comes from another server: without a list, an attacker of that one gets the secrets. */
function unboundHosts(urls: readonly ConnectUrl[], { hosts, prepare }: ConnectSettings): MistakenUse[] {
  const isNamed = urls.some((url) => url.isNamed);
  if (!isNamed)
    return hosts.length === 0 ? [] : [{ path: ['hosts'], message: 'no url begins with an expression; remove it' }];
  if (prepare.length === 0)
    return [{ path: ['url'], message: 'only the answer of prepare can name a host; set prepare, or write the host' }];
  return hosts.length === 0
    ? [{ path: ['hosts'], message: 'the url takes its host from an answer; list the hosts that it may name' }]
    : [];
}

function placesOf(urls: readonly ConnectUrl[], settings: ConnectSettings): Place[] {
  const { headers, protocols, prepare } = settings;
  const answers = prepare.map(({ as }) => as);
  const places = [
    ...urls.map(({ make }) => ({ path: ['url'], make })),
    ...Object.entries(headers).map(([name, { make }]) => ({ path: ['headers', name], make })),
    ...protocols.map(({ make }, at) => ({ path: ['protocols', at], make })),
  ];
  return [
    ...placesOfCalls(settings),
    ...places.map((place) => ({ ...place, answers })),
    ...placesOfSubscribe(settings, answers),
    ...placesAfter(settings, [...answers, ...namesOf(settings.subscribe.messages)]),
  ];
}

function placesOfSubscribe({ subscribe }: ConnectSettings, answers: readonly string[]): Place[] {
  const first = placeOfMessages(subscribe);
  let known = answers;
  return subscribe.messages.flatMap(({ send, as }, at) => {
    const place = { path: [...first, at], answers: known };
    if (as !== undefined) known = [...known, as];
    return send === undefined ? [] : [{ ...place, make: send }];
  });
}

/** What is sent when replies may have come. */
function placesAfter(
  { heartbeat, resume, shards, ack, sequence }: ConnectSettings,
  answers: readonly string[],
): Place[] {
  const made: readonly (readonly [Path, Pick<ConnectTemplate, 'uses'> | undefined])[] = [
    [['heartbeat', 'send', 'message'], heartbeat.send?.message],
    ...heartbeat.reply.map(({ message }, at) => [['heartbeat', 'reply', at, 'message'], message] as const),
    [['resume', 'message'], resume?.message],
    [['shards', 'unsubscribe'], shards?.unsubscribe?.send],
    [['ack', 'message'], ack?.message],
    ...(sequence?.resubscribe ?? []).map(({ send }, at) => [['sequence', 'resubscribe', at, 'send'], send] as const),
  ];
  return made.flatMap(([path, make]) => (make === undefined ? [] : [{ path, make, answers }]));
}

function placeOfMessages({ interval }: Pick<Subscription, 'interval'>): readonly string[] {
  return interval === undefined ? ['subscribe'] : ['subscribe', 'messages'];
}

function namesOf(steps: readonly Step[]): string[] {
  return steps.flatMap(({ as }) => as ?? []);
}

function placesOfCalls({ prepare }: ConnectSettings): Place[] {
  return prepare.flatMap(({ http: { url, headers, body } }, at) => {
    const answers = prepare.slice(0, at).map(({ as }) => as);
    const path = ['prepare', at, 'http'];
    return [
      { path: [...path, 'url'], make: url.make, answers },
      ...Object.entries(headers).map(([name, { make }]) => ({ path: [...path, 'headers', name], make, answers })),
      ...(body === undefined ? [] : [{ path: [...path, 'body'], make: body, answers }]),
    ];
  });
}
