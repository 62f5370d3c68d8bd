import type { ConnectTemplate, RemoteUrl } from './handshake.ts';
import type { RemoteSettings } from './remote.ts';

type Path = readonly (string | number)[];

interface Place {
  readonly path: Path;
  readonly make: Pick<ConnectTemplate, 'uses'>;
}

/** What connect settings are checked for. */
interface ConnectSettings extends RemoteSettings {
  readonly resume?: { readonly message?: ConnectTemplate | undefined } | undefined;
}

/** A use of a value that never is there, at the path of its setting. */
interface ValuelessUse {
  readonly path: (string | number)[];
  readonly message: string;
}

/**
 * Where connect settings use `${! meta.token }` without `auth`, or `${! meta.cursor }` without `resume`: mistakes, as a
 * text with a missing value is left out or not sent, without a word. `noCursor` says why there is no cursor.
 */
export function valuelessUses(
  urls: readonly RemoteUrl[],
  settings: ConnectSettings,
  noCursor: string,
): readonly ValuelessUse[] {
  const places = placesOf(urls, settings);
  const usesOf = (name: 'token' | 'cursor', message: string) =>
    places.filter(({ make }) => make.uses.has(name)).map(({ path }) => ({ path: [...path], message }));
  return [
    ...(settings.auth === undefined ? usesOf('token', 'there is no auth, so ${! meta.token } never has a value') : []),
    ...(settings.resume === undefined ? usesOf('cursor', noCursor) : []),
  ];
}

function placesOf(urls: readonly RemoteUrl[], settings: ConnectSettings): Place[] {
  const { headers, protocols, subscribe, heartbeat, resume } = settings;
  const places: Place[] = urls.map(({ make }) => ({ path: ['url'], make }));
  for (const [name, { make }] of Object.entries(headers)) places.push({ path: ['headers', name], make });
  for (const [at, { make }] of protocols.entries()) places.push({ path: ['protocols', at], make });
  for (const [at, { send }] of subscribe.entries()) places.push({ path: ['subscribe', at], make: send });
  if (heartbeat.send !== undefined)
    places.push({ path: ['heartbeat', 'send', 'message'], make: heartbeat.send.message });
  if (resume?.message !== undefined) places.push({ path: ['resume', 'message'], make: resume.message });
  return places;
}
