import { messages } from './conversions.ts';
import type { Definition } from './definition.ts';
import { inOrder } from './in-order.ts';

/** Settings by which a source finds messages that are missing; `component` is where they go. */
export function sequenceDefinitions(component: string): Definition[] {
  const place = `${component}.sequence`;
  return inOrder('Sequence', [
    {
      name: 'websocket.sequence.value',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'The number of a message in its sequence, such as ${! json.seq }. Numbers that are missing are reported as a gap.',
      width: 'MEDIUM',
      displayName: 'Number',
      path: `${place}.value`,
    },
    {
      name: 'websocket.sequence.first',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'The first number of a message that has several, such as ${! json.data[0].seq }, or the one behind the number that it names as the one before.',
      width: 'MEDIUM',
      displayName: 'First number',
      path: `${place}.first`,
    },
    {
      name: 'websocket.sequence.by',
      type: 'STRING',
      default: null,
      importance: 'LOW',
      documentation:
        'What a sequence belongs to, such as ${! json.symbol }; one sequence for all where it is not given.',
      width: 'MEDIUM',
      displayName: 'Sequence of',
      path: `${place}.by`,
    },
    {
      name: 'websocket.sequence.step',
      type: 'INT',
      default: null,
      min: 1,
      importance: 'LOW',
      documentation: 'By how much the number grows from message to message; 1 where it is not given.',
      width: 'SHORT',
      displayName: 'Step',
      path: `${place}.step`,
    },
    {
      name: 'websocket.sequence.modulus',
      type: 'LONG',
      default: null,
      min: 2,
      importance: 'LOW',
      documentation: 'Numbers begin at 0 again before they reach this one, such as 4294967296.',
      width: 'SHORT',
      displayName: 'Modulus',
      path: `${place}.modulus`,
    },
    {
      name: 'websocket.sequence.window',
      type: 'INT',
      default: null,
      min: 1,
      max: 1_000_000,
      importance: 'LOW',
      documentation: 'How many values of websocket.sequence.by are remembered at most.',
      width: 'SHORT',
      displayName: 'Remembered sequences',
      path: `${place}.window`,
    },
    {
      name: 'websocket.sequence.resubscribe',
      type: 'STRING',
      default: null,
      secrets: 'json',
      importance: 'LOW',
      documentation:
        'Message that is sent when a gap shows, or a list of messages in JSON; ${! meta.by } is the value of websocket.sequence.by.',
      width: 'LONG',
      displayName: 'Resubscribe',
      path: `${place}.resubscribe`,
      convert: messages,
    },
  ]);
}
