import { jsonOrList, milliseconds, objectOrText } from './conversions.ts';
import type { Definition } from './definition.ts';
import { inOrder } from './in-order.ts';

/** How a dead connection is detected, and how the server's own pings are answered. */
export function heartbeatDefinitions(component: string): Definition[] {
  return inOrder('Heartbeat', [
    {
      name: 'websocket.ping.interval.ms',
      type: 'LONG',
      default: '20000',
      min: 0,
      importance: 'LOW',
      documentation: 'Interval of our pings; 0 sends none.',
      width: 'SHORT',
      displayName: 'Ping interval',
      path: `${component}.heartbeat.ping`,
      convert: milliseconds,
    },
    {
      name: 'websocket.ping.timeout.ms',
      type: 'LONG',
      default: '10000',
      min: 1,
      importance: 'LOW',
      documentation: 'A server of which nothing is read for so long after a ping is given up.',
      width: 'SHORT',
      displayName: 'Ping timeout',
      path: `${component}.heartbeat.timeout`,
      convert: milliseconds,
    },
    {
      name: 'websocket.heartbeat.message',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'LOW',
      documentation: 'Message that the server wants to see regularly.',
      width: 'LONG',
      displayName: 'Heartbeat message',
      path: `${component}.heartbeat.send.message`,
    },
    {
      name: 'websocket.heartbeat.interval.ms',
      type: 'LONG',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: 'Interval of that message.',
      width: 'SHORT',
      displayName: 'Heartbeat interval',
      path: `${component}.heartbeat.send.every`,
      convert: milliseconds,
    },
    {
      name: 'websocket.heartbeat.expect.ms',
      type: 'LONG',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: 'Longest time between two messages of the server; then the connection is given up as stale.',
      width: 'SHORT',
      displayName: 'Expected every',
      path: `${component}.heartbeat.expect.within`,
      convert: milliseconds,
    },
    {
      name: 'websocket.heartbeat.expect.message',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'Which messages count for that: an expression, or an object in JSON whose fields they have. All, where it is not given.',
      width: 'LONG',
      displayName: 'Expected message',
      path: `${component}.heartbeat.expect.frame`,
      convert: objectOrText,
    },
    {
      name: 'websocket.heartbeat.reply',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'LOW',
      documentation:
        'Messages of the server that are pings, and their answer: {"when":...,"message":...} in JSON, or a list of these. Such messages do not become records.',
      width: 'LONG',
      displayName: 'Replies to pings',
      path: `${component}.heartbeat.reply`,
      convert: jsonOrList,
    },
  ]);
}
