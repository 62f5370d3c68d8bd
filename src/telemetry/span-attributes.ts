import type { Attributes } from '@opentelemetry/api';
import { ExactNumber } from '../core/exact-number.ts';
import { lastHeader } from '../core/headers.ts';
import type { Message } from '../core/message.ts';

/** Longest key or message id that goes into a span, in characters. */
const MAX_TEXT = 256;
const UTF8 = new TextDecoder('utf-8', { fatal: true });

/** https://opentelemetry.io/docs/specs/semconv/messaging/kafka/ */
export function kafka(operation: string, type: string, topic: string): Attributes {
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': topic,
  };
}

/** There are no conventions for WebSockets, so those for messaging are used. */
export function webSocket(operation: string, type: string, endpoint: string): Attributes {
  return {
    'messaging.system': 'websocket',
    'messaging.operation.name': operation,
    'messaging.operation.type': type,
    'messaging.destination.name': endpoint,
    'network.protocol.name': 'websocket',
    'tidegate.endpoint': endpoint,
  };
}

/** Which client sent it, and by which path. */
export function senderOf(clientId: string, params: Readonly<Record<string, string>>): Attributes {
  return { 'messaging.client.id': clientId, ...paramsOf(params) };
}

/** Parameters of an endpoint's path. */
export function paramsOf(params: Readonly<Record<string, string>>): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(params)) attributes[`tidegate.param.${name}`] = value;
  return attributes;
}

/** What a message is searched for by, as far as it is known: its id, its key, and the endpoint that it came by. */
export function identityOf(message: Message): Attributes {
  const attributes: Attributes = {};
  const id = textOf(lastHeader(message.headers, 'message-id') ?? null);
  if (id !== undefined) attributes['messaging.message.id'] = id;
  const key = textOf(message.key);
  if (key !== undefined) attributes['messaging.kafka.message.key'] = key;
  const { endpoint } = message.meta;
  if (typeof endpoint === 'string') attributes['tidegate.endpoint'] = endpoint;
  return attributes;
}

/** Where a record is in the log. */
export function positionOf(message: Message): Attributes {
  if (message.partition < 0) return {};
  return {
    'messaging.destination.partition.id': String(message.partition),
    'messaging.kafka.offset': message.offset,
  };
}

/** Text of an id as a client gave it. */
export function idText(id: unknown): string | undefined {
  const isId = typeof id === 'string' || typeof id === 'number' || id instanceof ExactNumber;
  return isId ? textOf(String(id)) : undefined;
}

/** Bytes that are not text have no form that all tools agree on, so they are left out. */
function textOf(value: string | Buffer | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  try {
    const text = typeof value === 'string' ? value : UTF8.decode(value);
    return text.slice(0, MAX_TEXT);
  } catch {
    return undefined;
  }
}
