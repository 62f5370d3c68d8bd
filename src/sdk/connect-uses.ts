import type { Step } from './connect-messages.ts';
import type { RemoteSettings } from './connect-settings.ts';
import { type ConnectTemplate, handshakeValues, isSubprotocol, NO_SUBPROTOCOL, type RemoteUrl } from './handshake.ts';

type Path = readonly (string | number)[];

interface Place {
  readonly path: Path;
  readonly make: Pick<ConnectTemplate, 'uses'>;
}

/** The settings that are checked. */
interface ConnectSettings extends RemoteSettings {
  readonly resume?: { readonly message?: ConnectTemplate | undefined } | undefined;
  readonly shards?: { readonly unsubscribe?: Step | undefined } | undefined;
}

/** The use of a value that is always missing or never valid, with the path of its setting. */
interface MistakenUse {
  readonly path: (string | number)[];
  readonly message: string;
}

/**
 * Finds settings that use `${! meta.token }` without `auth`, or `${! meta.cursor }` without `resume`: a text with a missing
 * value would silently be left out. Also finds subprotocols that are invalid with the configured token, so that every
 * connect would fail. `noCursor` says why there is no cursor.
 */
export function mistakenUses(
  urls: readonly RemoteUrl[],
  settings: ConnectSettings,
  noCursor: string,
): readonly MistakenUse[] {
  const places = placesOf(urls, settings);
  const usesOf = (name: 'token' | 'cursor', message: string) =>
    places.filter(({ make }) => make.uses.has(name)).map(({ path }) => ({ path: [...path], message }));
  return [
    ...(settings.auth === undefined ? usesOf('token', 'there is no auth, so ${! meta.token } never has a value') : []),
    ...(settings.resume === undefined ? usesOf('cursor', noCursor) : []),
    ...mistakenShards(places, settings),
    ...impossibleSubprotocols(settings),
  ];
}

/** Symbols change while a connection lasts, so only messages that can be sent again may use them. */
function mistakenShards(places: readonly Place[], { shards, subscribe }: ConnectSettings): MistakenUse[] {
  const using = places.filter(({ make }) => make.uses.has('shard'));
  if (shards === undefined)
    return using.map(({ path }) => ({
      path: [...path],
      message: 'there is no shards, so ${! meta.shard } never has a value',
    }));
  const wrong = using.filter(({ path: [first] }) => first !== 'subscribe' && first !== 'shards');
  const { unsubscribe } = shards;
  const mistakes = wrong.map(({ path }) => ({
    path: [...path],
    message: '${! meta.shard } has a value in the messages of subscribe and in shards.unsubscribe only',
  }));
  if (!subscribe.messages.some(({ send }) => send.uses.has('shard')))
    mistakes.push({ path: ['shards'], message: 'no message of subscribe uses ${! meta.shard.symbols }' });
  if (unsubscribe !== undefined && !unsubscribe.send.uses.has('shard'))
    mistakes.push({ path: ['shards', 'unsubscribe'], message: 'it does not use ${! meta.shard.symbols }' });
  return mistakes;
}

function impossibleSubprotocols({ auth, protocols }: ConnectSettings): MistakenUse[] {
  const token = auth?.token?.trim();
  if (token === undefined || token === '') return [];
  const values = handshakeValues({ token, cursor: undefined });
  return protocols.flatMap(({ make }, at) => {
    const text = make.uses.has('token') ? make(values) : undefined;
    return text === undefined || isSubprotocol(text)
      ? []
      : [{ path: ['protocols', at], message: `with the token, ${NO_SUBPROTOCOL}` }];
  });
}

function placesOf(urls: readonly RemoteUrl[], settings: ConnectSettings): Place[] {
  const { headers, protocols, subscribe, heartbeat, resume, shards } = settings;
  const places: Place[] = urls.map(({ make }) => ({ path: ['url'], make }));
  for (const [name, { make }] of Object.entries(headers)) places.push({ path: ['headers', name], make });
  for (const [at, { make }] of protocols.entries()) places.push({ path: ['protocols', at], make });
  const first = subscribe.interval === undefined ? ['subscribe'] : ['subscribe', 'messages'];
  for (const [at, { send }] of subscribe.messages.entries()) places.push({ path: [...first, at], make: send });
  if (heartbeat.send !== undefined)
    places.push({ path: ['heartbeat', 'send', 'message'], make: heartbeat.send.message });
  if (resume?.message !== undefined) places.push({ path: ['resume', 'message'], make: resume.message });
  if (shards?.unsubscribe !== undefined)
    places.push({ path: ['shards', 'unsubscribe'], make: shards.unsubscribe.send });
  return places;
}
