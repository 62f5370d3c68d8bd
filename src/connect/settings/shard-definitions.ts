import { message, milliseconds } from './conversions.ts';
import type { Definition, FlatConfig } from './definition.ts';
import { inOrder } from './in-order.ts';
import type { Values } from './values.ts';

/** The settings of which one says what the symbols are; mistakes in all of them together belong to the one that is given. */
export const LISTS = ['websocket.shards.list', 'websocket.shards.file', 'websocket.shards.topic'];
/** Of a connection, where nothing else is given. */
const PER_CONNECTION = 200;

/** Settings by which a source spreads symbols over connections; `component` is where they go. */
export function shardDefinitions(component: string): Definition[] {
  const place = `${component}.shards`;
  return inOrder('Shards', [
    {
      name: 'websocket.shards.list',
      type: 'LIST',
      default: null,
      importance: 'MEDIUM',
      documentation:
        'Symbols to subscribe to, distributed among the tasks and over connections. Messages that subscribe have those of their connection as ${! meta.shard.symbols }.',
      width: 'LONG',
      displayName: 'Symbols',
      path: `${place}.list`,
    },
    {
      name: 'websocket.shards.file',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'The same from a file with one symbol on each line, which is read again when it changes.',
      width: 'LONG',
      displayName: 'File of symbols',
      path: `${place}.file.path`,
    },
    {
      name: 'websocket.shards.topic',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation: 'The same from a compacted topic: its keys are the symbols, and a tombstone removes one.',
      width: 'MEDIUM',
      displayName: 'Topic of symbols',
      path: `${place}.topic.name`,
    },
    {
      name: 'websocket.shards.per.connection',
      type: 'INT',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: `Maximum number of symbols of a connection; ${PER_CONNECTION} where it is not given.`,
      width: 'SHORT',
      displayName: 'Symbols of a connection',
      path: `${place}.per_connection`,
    },
    {
      name: 'websocket.shards.per.message',
      type: 'INT',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: 'Maximum number of symbols of a message; all of the connection where it is not given.',
      width: 'SHORT',
      displayName: 'Symbols of a message',
      path: `${place}.per_message`,
    },
    {
      name: 'websocket.shards.unsubscribe.message',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'LOW',
      documentation: 'Message for symbols that are no longer in the list, which are ${! meta.shard.symbols } here.',
      width: 'LONG',
      displayName: 'Message that unsubscribes',
      path: `${place}.unsubscribe`,
      convert: message,
    },
    {
      name: 'websocket.shards.connect.interval.ms',
      type: 'LONG',
      default: null,
      min: 0,
      importance: 'LOW',
      documentation: 'Shortest time between two attempts of a task to connect to the same server.',
      width: 'SHORT',
      displayName: 'Connect interval',
      path: `${place}.connect_interval`,
      convert: milliseconds,
    },
    {
      name: 'websocket.shards.share',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'Part of the symbols that this connector reads, by one task, such as 2/3 for the second of three connectors. Without it, each task gets a part.',
      width: 'SHORT',
      displayName: 'Part of the symbols',
      path: `${place}.share`,
    },
  ]);
}

export function hasShards(values: Values): boolean {
  return LISTS.some((name) => values.has(name));
}

/**
 * A part of the symbols for each task, unless the connector has one that is given. No more tasks than a list has connections,
 * as the others would be idle.
 */
export function shardTasks(values: Values): FlatConfig[] {
  if (values.has('websocket.shards.share')) return [{}];
  const max = values.number('tasks.max');
  const per = values.has('websocket.shards.per.connection')
    ? values.number('websocket.shards.per.connection')
    : PER_CONNECTION;
  const symbols = new Set(values.has('websocket.shards.list') ? values.list('websocket.shards.list') : []);
  const of = symbols.size === 0 ? max : Math.min(max, Math.ceil(symbols.size / Math.max(1, per)));
  return Array.from({ length: of }, (_, at) => ({ 'websocket.shards.share': `${at + 1}/${of}` }));
}
