import { type ActorRefFrom, type SnapshotFrom, setup } from 'xstate';
import { CLOSE_CODES, type CloseName } from '../../transports/websocket/close-codes.ts';
import { type Control, type Controlled, ordersOf, questionsOf } from '../control.ts';

/** What the machine orders of a connection. */
const ORDERS = [
  /** The client is in. */
  'admitted',
  /** Stop reading the socket. */
  'hold',
  /** Stop reading and say ANSWERED when no message waits for its answer any more. */
  'drain',
  /** Read the socket again. */
  'release',
  /** The socket is gone. */
  'gone',
] as const;
/** What it asks: whether no message waits for its answer, and whether the room has let the client in. */
const QUESTIONS = ['isAnswered', 'isAdmitted'] as const;

export interface ConnectionControl extends Control<(typeof ORDERS)[number], (typeof QUESTIONS)[number]> {
  /** Send what is due, then a close frame. */
  close(code: number, reason: string): void;
}

type ConnectionEvent =
  /** The room has let the client in. */
  | { type: 'ADMIT' }
  /** The endpoint's gate is shut, or this connection has too much in flight or too many answers unread. */
  | { type: 'HOLD' }
  | { type: 'RELEASE' }
  /** The gateway stops and this connection's slot has come. */
  | { type: 'DRAIN' }
  /** The last message in flight was answered. */
  | { type: 'ANSWERED' }
  | { type: 'CLOSE'; code: number; reason: string }
  /** The socket has closed, for whatever reason. */
  | { type: 'GONE' };

/**
 * Life of one socket. Lean on purpose: no invoke, no delayed transition, no context beyond one reference, because
 * there are thousands of these; time comes from the endpoint's one sweep.
 */
export const connectionMachine = setup({
  types: {
    context: {} as Controlled<ConnectionControl>,
    input: {} as Controlled<ConnectionControl>,
    events: {} as ConnectionEvent,
  },
  actions: {
    ...ordersOf(ORDERS),
    close: ({ context, event }) => {
      if (event.type === 'CLOSE') context.control.close(event.code, event.reason);
    },
    closeForRestart: ({ context }) => context.control.close(CLOSE_CODES.restart.code, CLOSE_CODES.restart.reason),
  },
  guards: questionsOf(QUESTIONS),
}).createMachine({
  id: 'connection',
  context: ({ input }) => input,
  initial: 'joining',
  on: { GONE: '.closed', CLOSE: { target: '.closing', actions: 'close' } },
  states: {
    joining: {
      always: { guard: 'isAdmitted', target: 'serving' },
      initial: 'reading',
      on: { DRAIN: { target: 'closing', actions: 'closeForRestart' } },
      states: {
        reading: {
          on: {
            ADMIT: { target: '#serving', actions: 'admitted' },
            // A frame that comes too early is kept, and no more are read.
            HOLD: { target: 'held', actions: 'hold' },
          },
        },
        held: {
          on: {
            ADMIT: { target: '#serving.held', actions: 'admitted' },
            // It was not let in by what it has said, and may say something else.
            RELEASE: { target: 'reading', actions: 'release' },
          },
        },
      },
    },
    serving: {
      id: 'serving',
      initial: 'reading',
      on: {
        DRAIN: [
          { guard: 'isAnswered', target: 'closing', actions: 'closeForRestart' },
          { target: 'draining', actions: 'drain' },
        ],
      },
      states: {
        reading: { on: { HOLD: { target: 'held', actions: 'hold' } } },
        held: { on: { RELEASE: { target: 'reading', actions: 'release' } } },
      },
    },
    draining: { on: { ANSWERED: { target: 'closing', actions: 'closeForRestart' } } },
    closing: { on: { CLOSE: {} } },
    closed: { type: 'final', entry: 'gone' },
  },
});

type Beginning = SnapshotFrom<typeof connectionMachine>;

/** What each machine begins with, but for its context, by whether the client is let in at once. */
const beginnings = new Map<boolean, Beginning>();
const begin = connectionMachine.getInitialSnapshot.bind(connectionMachine);

/**
 * A machine carries out no order when it begins, so what xstate works out is the same each time, except for the context. It
 * changes no snapshot, so connections can share the lists in it.
 */
connectionMachine.getInitialSnapshot = (scope, input): Beginning => {
  // Machines of this kind are never made without one.
  const context = input as Controlled<ConnectionControl>;
  const { isAdmitted } = context.control;
  const known = beginnings.get(isAdmitted);
  if (known !== undefined) return { ...known, context } as Beginning;
  const first = begin(scope, input);
  // Without the context: the first connection would be kept.
  beginnings.set(isAdmitted, { ...first, context: {} } as Beginning);
  return first;
};

/** Why a message is refused that does not become complete within frame_timeout. */
export const FRAME_TOO_LONG = 'frame took too long';

/** The event that closes a connection for one of the reasons of the table; `reason` where more can be said. */
export function closing(
  name: CloseName,
  reason: string = CLOSE_CODES[name].reason,
): ConnectionEvent & { type: 'CLOSE' } {
  return { type: 'CLOSE', code: CLOSE_CODES[name].code, reason };
}

export type ConnectionActor = ActorRefFrom<typeof connectionMachine>;
