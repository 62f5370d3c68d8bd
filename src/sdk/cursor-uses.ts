import type { Message } from '../core/message.ts';
import { handshakeValues, type RemoteUrl } from './handshake.ts';
import type { RemoteSettings } from './remote.ts';

interface Place {
  readonly path: readonly (string | number)[];
  readonly make: (values: Message) => string | undefined;
}

const WITHOUT = handshakeValues({ token: 'token', cursor: undefined });
const WITH = handshakeValues({ token: 'token', cursor: 'cursor' });

/**
 * Where connect settings use `${! meta.cursor }`: a mistake where nothing gives it a value, as a text with a missing
 * value is left out or not sent, without a word.
 */
export function cursorUses(urls: readonly RemoteUrl[], settings: RemoteSettings): Place['path'][] {
  return [...urls.map(({ make }) => ({ path: ['url'], make })), ...placesOf(settings)]
    .filter(({ make }) => make(WITHOUT) !== make(WITH))
    .map(({ path }) => path);
}

function placesOf({ headers, protocols, subscribe, heartbeat }: RemoteSettings): Place[] {
  const places: Place[] = Object.entries(headers).map(([name, { make }]) => ({ path: ['headers', name], make }));
  for (const [at, { make }] of protocols.entries()) places.push({ path: ['protocols', at], make });
  for (const [at, { send }] of subscribe.entries()) places.push({ path: ['subscribe', at], make: send });
  if (heartbeat.send !== undefined)
    places.push({ path: ['heartbeat', 'send', 'message'], make: heartbeat.send.message });
  return places;
}
