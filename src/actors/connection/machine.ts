import { type ActorRefFrom, setup } from 'xstate';
import { CLOSE_CODES, type CloseName } from '../../transports/websocket/close-codes.ts';

/** What the machine of a connection orders; the connection carries it out. */
export interface ConnectionControl {
  /** Stop reading the socket. */
  hold(): void;
  /** Stop reading and say ANSWERED when nothing waits for its answer any more. */
  drain(): void;
  /** Read the socket again. */
  release(): void;
  /** Whether messages of this connection still wait for their answer. */
  readonly isAnswered: boolean;
  /** Whether the client is in; else it waits until its room says so. */
  readonly isAdmitted: boolean;
  /** Send what is due, then a close frame. */
  close(code: number, reason: string): void;
  /** The socket is gone. */
  gone(): void;
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
  /** The socket has closed, whoever wanted it. */
  | { type: 'GONE' };

/**
 * Life of one socket. Lean on purpose: no invoke, no delayed transition, no context beyond one reference, because
 * there are thousands of these; time comes from the endpoint's one sweep.
 */
export const connectionMachine = setup({
  types: {
    context: {} as { readonly connection: ConnectionControl },
    input: {} as { readonly connection: ConnectionControl },
    events: {} as ConnectionEvent,
  },
  actions: {
    hold: ({ context }) => context.connection.hold(),
    drain: ({ context }) => context.connection.drain(),
    release: ({ context }) => context.connection.release(),
    close: ({ context, event }) => {
      if (event.type === 'CLOSE') context.connection.close(event.code, event.reason);
    },
    closeForRestart: ({ context }) => context.connection.close(CLOSE_CODES.restart.code, CLOSE_CODES.restart.reason),
    gone: ({ context }) => context.connection.gone(),
  },
  guards: {
    isAnswered: ({ context }) => context.connection.isAnswered,
    isAdmitted: ({ context }) => context.connection.isAdmitted,
  },
}).createMachine({
  id: 'connection',
  context: ({ input }) => ({ connection: input.connection }),
  initial: 'joining',
  on: { GONE: '.closed', CLOSE: { target: '.closing', actions: 'close' } },
  states: {
    joining: {
      always: { guard: 'isAdmitted', target: 'serving' },
      on: {
        ADMIT: 'serving',
        // A frame that comes too early is kept, and no more are read.
        HOLD: { actions: 'hold' },
        DRAIN: { target: 'closing', actions: 'closeForRestart' },
      },
    },
    serving: {
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

/** The event that closes a connection for one of the reasons of the table; `reason` where more can be said. */
export function closing(
  name: CloseName,
  reason: string = CLOSE_CODES[name].reason,
): ConnectionEvent & { type: 'CLOSE' } {
  return { type: 'CLOSE', code: CLOSE_CODES[name].code, reason };
}

export type ConnectionActor = ActorRefFrom<typeof connectionMachine>;
