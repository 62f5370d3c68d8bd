import { bytes, headers, message, milliseconds, objectOrText } from './conversions.ts';
import type { Definition } from './definition.ts';
import { heartbeatDefinitions } from './heartbeat-definitions.ts';
import { inOrder } from './in-order.ts';
import { preparationDefinitions } from './preparation-definitions.ts';
import type { Values } from './values.ts';

/** Settings of the connection to a remote server; `component` is where they go, such as `source.websocket_client`. */
export function remoteDefinitions(component: string): Definition[] {
  return [
    ...connection(component),
    ...preparationDefinitions(component),
    ...reconnection(component),
    ...heartbeatDefinitions(component),
    ...tls(component),
  ];
}

/** S4's pauses are all the same; with a longest one they double from there on. By their places in the pipeline. */
export function reconnectOf(values: Values, component: string): Record<string, unknown> {
  const interval = `${values.number('websocket.reconnect.interval.ms')}ms`;
  const place = `${component}.reconnect`;
  const enabled = { [`${place}.enabled`]: values.flag('websocket.reconnect.enabled') };
  if (!values.has('websocket.reconnect.backoff.max.ms')) return { ...enabled, [`${place}.interval`]: interval };
  const max = `${values.number('websocket.reconnect.backoff.max.ms')}ms`;
  return { ...enabled, [`${place}.backoff`]: { initial: interval, max } };
}

/** The messages of `subscribe`, and their pace. */
export function subscribeOf(values: Values, messages: readonly unknown[]): unknown {
  if (!values.has('websocket.subscribe.interval.ms')) return messages;
  return { messages, interval: `${values.number('websocket.subscribe.interval.ms')}ms` };
}

function connection(component: string): Definition[] {
  return inOrder('Connection', [
    {
      name: 'websocket.subscription.message',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'HIGH',
      documentation:
        'Message that is sent after each connect, first of all; {"send":...,"expect":...,"reject":...,"timeout":"10s"} where a reply is waited for, and "as":"login" where later messages use it as ${! meta.login.json }.',
      width: 'LONG',
      displayName: 'Subscription message',
      convert: message,
    },
    {
      name: 'websocket.subscribe.interval.ms',
      type: 'LONG',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: 'Shortest time between two messages that subscribe.',
      width: 'SHORT',
      displayName: 'Subscription interval',
    },
    {
      name: 'websocket.send.rate',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'Limit of the server on what it receives on a connection, such as 5/s or 100/10s: messages, answers, heartbeats, pings and pongs together.',
      width: 'SHORT',
      displayName: 'Send rate',
      path: `${component}.send_rate`,
    },
    {
      name: 'websocket.headers',
      type: 'STRING',
      default: null,
      secrets: 'headers',
      importance: 'MEDIUM',
      documentation:
        'Headers of the handshake: name1:value1,name2:value2, or an object in JSON. A comma of a value is written with a backslash before it. ${! meta.token } is the token.',
      width: 'LONG',
      displayName: 'Headers',
      path: `${component}.headers`,
      convert: headers,
    },
    {
      name: 'websocket.headers.secret',
      type: 'LIST',
      default: null,
      importance: 'LOW',
      documentation:
        'Names of headers whose values are shown nowhere. Those that look like it (Authorization, Cookie, X-Api-Key) need not be named.',
      width: 'MEDIUM',
      displayName: 'Secret headers',
    },
    {
      name: 'websocket.auth.token',
      type: 'PASSWORD',
      default: null,
      secrets: 'whole',
      importance: 'HIGH',
      documentation: 'Bearer token of the handshake (Authorization).',
      width: 'MEDIUM',
      displayName: 'Token',
      path: `${component}.auth.token`,
    },
    {
      name: 'websocket.connection.timeout.ms',
      type: 'LONG',
      default: '30000',
      min: 1,
      importance: 'MEDIUM',
      documentation: 'Longest time for the connect, from the name lookup to the end of the handshake.',
      width: 'SHORT',
      displayName: 'Connection timeout',
      path: `${component}.connect_timeout`,
      convert: milliseconds,
    },
    {
      name: 'websocket.protocols',
      type: 'LIST',
      default: null,
      importance: 'LOW',
      documentation: 'Subprotocols to offer, the preferred one first.',
      width: 'MEDIUM',
      displayName: 'Subprotocols',
      path: `${component}.protocols`,
    },
    {
      name: 'websocket.proxy',
      type: 'STRING',
      default: null,
      secrets: 'url',
      importance: 'LOW',
      documentation: 'URL of an HTTP proxy to go through.',
      width: 'MEDIUM',
      displayName: 'Proxy',
      path: `${component}.proxy`,
    },
    {
      name: 'websocket.compression.enabled',
      type: 'BOOLEAN',
      default: 'false',
      importance: 'LOW',
      documentation: 'Whether permessage-deflate is offered.',
      width: 'SHORT',
      displayName: 'Compression',
      path: `${component}.compression`,
    },
    {
      name: 'websocket.decompress',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'How the server compresses its binary messages: gzip, deflate (with or without the header of zlib), or auto.',
      width: 'SHORT',
      displayName: 'Decompression',
      path: `${component}.decompress`,
    },
    {
      name: 'websocket.message.max.bytes',
      type: 'INT',
      default: '16777216',
      min: 1,
      importance: 'MEDIUM',
      documentation: 'Largest message that is taken; a larger one costs the connection.',
      width: 'SHORT',
      displayName: 'Largest message',
      path: `${component}.max_frame`,
      convert: bytes,
    },
  ]);
}

function reconnection(component: string): Definition[] {
  return inOrder('Reconnect', [
    {
      name: 'websocket.reconnect.enabled',
      type: 'BOOLEAN',
      default: 'true',
      importance: 'MEDIUM',
      documentation: 'Whether a lost connection is made again. false: its task has FAILED then.',
      width: 'SHORT',
      displayName: 'Reconnect',
    },
    {
      name: 'websocket.reconnect.interval.ms',
      type: 'LONG',
      default: '5000',
      min: 1,
      importance: 'MEDIUM',
      documentation: 'Pause before each try to reconnect, or before the first one where there is a longest pause.',
      width: 'SHORT',
      displayName: 'Reconnect interval',
    },
    {
      name: 'websocket.reconnect.backoff.max.ms',
      type: 'LONG',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation:
        'Longest pause. With it pauses double from the interval on, with jitter; without it they are all the same.',
      width: 'SHORT',
      displayName: 'Longest reconnect interval',
    },
    {
      name: 'websocket.reconnect.on',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'Messages by which the server asks for a new connection: an expression, or an object in JSON whose fields they have. They are no records.',
      width: 'LONG',
      displayName: 'Reconnect on',
      path: `${component}.reconnect.on`,
      convert: objectOrText,
    },
    {
      name: 'websocket.reconnect.every.ms',
      type: 'LONG',
      default: null,
      min: 1_000,
      importance: 'LOW',
      documentation: 'Age at which a connection is replaced by a new one, up to a tenth earlier at random.',
      width: 'SHORT',
      displayName: 'Reconnect every',
      path: `${component}.reconnect.every`,
      convert: milliseconds,
    },
  ]);
}

function tls(component: string): Definition[] {
  const file = (name: string, key: string, displayName: string, documentation: string) =>
    ({
      name: `websocket.tls.${name}`,
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation,
      width: 'MEDIUM',
      displayName,
      path: `${component}.tls.${key}`,
    }) as const;
  return inOrder('TLS', [
    file('ca', 'ca', 'Certificates to trust', 'PEM file with the certificates to trust for wss://.'),
    file('certificate', 'cert', 'Own certificate', 'PEM file with our own certificate, where the server asks for one.'),
    file('key', 'key', 'Own key', 'PEM file with the key of that certificate.'),
    file('servername', 'servername', 'Server name', 'Name to ask for (SNI), and to check the certificate against.'),
    {
      name: 'websocket.tls.verify',
      type: 'BOOLEAN',
      default: null,
      importance: 'LOW',
      documentation: 'false accepts any certificate: for tests only.',
      width: 'SHORT',
      displayName: 'Verify',
      path: `${component}.tls.reject_unauthorized`,
    },
  ]);
}
