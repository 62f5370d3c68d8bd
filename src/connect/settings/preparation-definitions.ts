import { jsonObject, jsonObjects } from './conversions.ts';
import type { Definition } from './definition.ts';
import { inOrder } from './in-order.ts';

/** Settings of what is needed before a connect: keys, and the answers of other servers. */
export function preparationDefinitions(component: string): Definition[] {
  return inOrder('Preparation', [
    {
      name: 'websocket.secrets',
      type: 'PASSWORD',
      default: null,
      secrets: 'whole',
      importance: 'LOW',
      documentation:
        'Keys by their names, an object in JSON: ${! meta.secrets.NAME } in what is sent, such as ${! $hmac("sha256", meta.secrets.NAME, $string(meta.now)) }.',
      width: 'MEDIUM',
      displayName: 'Secrets',
      path: `${component}.secrets`,
      convert: jsonObject,
    },
    {
      name: 'websocket.prepare',
      type: 'STRING',
      default: null,
      secrets: 'whole',
      importance: 'LOW',
      documentation:
        'HTTP calls before each connect: an object in JSON such as {"http":{"url":"https://api.example.com/token","method":"POST"},"as":"session"}, or a list of them. Their answers are ${! meta.session.json }.',
      width: 'LONG',
      displayName: 'Preparing calls',
      path: `${component}.prepare`,
      convert: jsonObjects,
    },
    {
      name: 'websocket.hosts',
      type: 'LIST',
      default: null,
      importance: 'LOW',
      documentation:
        'Hosts that a URL which begins with ${! } may name, such as *.example.com: it comes from the answer of a call.',
      width: 'MEDIUM',
      displayName: 'Hosts',
      path: `${component}.hosts`,
    },
  ]);
}
