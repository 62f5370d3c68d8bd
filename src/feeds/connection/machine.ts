import type { ActorRefFrom } from 'xstate';
import { type Control, type Controlled, ordersOf, questionsOf } from '../../actors/control.ts';
import { lazyLibrary } from '../../core/lazy-library.ts';

const xstate = lazyLibrary<typeof import('xstate')>('xstate');

type DialerEvent =
  | { type: 'OPEN' }
  /** The opening handshake is done. */
  | { type: 'CONNECTED' }
  /** The messages of `subscribe` are sent, and all replies that they wait for have come. */
  | { type: 'SUBSCRIBED' }
  /** The socket is gone, or could not be opened. */
  | { type: 'LOST' }
  /** The server is silent, or its reply is not the expected one. */
  | { type: 'STALE' }
  /** A new connection should replace this one. */
  | { type: 'REPLACE' }
  /** The pause is over. */
  | { type: 'RETRY' }
  | { type: 'CLOSE' };

/**
 * What the machine orders of a dialer:
 *
 * - `dial`: open a socket
 * - `subscribe`: send the messages of `subscribe`
 * - `goLive`: messages can be sent
 * - `cut`: end the socket without a closing handshake; LOST follows
 * - `leave`: end the socket in order; LOST follows
 * - `wait`: send RETRY after a pause
 * - `fail`: there is no other connection
 * - `hangUp`: close the connection
 */
const ORDERS = ['dial', 'subscribe', 'goLive', 'cut', 'leave', 'wait', 'fail', 'hangUp'] as const;
/** `mayReconnect`: whether to dial again after a connection is lost. */
const QUESTIONS = ['mayReconnect'] as const;

export type DialerControl = Control<(typeof ORDERS)[number], (typeof QUESTIONS)[number]>;

const lost = [{ guard: 'mayReconnect' as const, target: 'waiting' }, { target: 'failed' }];

function makeMachine() {
  return xstate()
    .setup({
      types: {
        context: {} as Controlled<DialerControl>,
        input: {} as Controlled<DialerControl>,
        events: {} as DialerEvent,
      },
      actions: ordersOf(ORDERS),
      guards: questionsOf(QUESTIONS),
    })
    .createMachine({
      id: 'dialer',
      context: ({ input }) => input,
      initial: 'disconnected',
      on: { CLOSE: '.closed' },
      states: {
        disconnected: { on: { OPEN: 'connecting' } },
        connecting: { entry: 'dial', on: { CONNECTED: 'subscribing', STALE: 'stale', LOST: lost } },
        subscribing: {
          entry: 'subscribe',
          on: { SUBSCRIBED: 'live', STALE: 'stale', REPLACE: 'leaving', LOST: lost },
        },
        live: { entry: 'goLive', on: { STALE: 'stale', REPLACE: 'leaving', LOST: lost } },
        leaving: { entry: 'leave', on: { LOST: lost } },
        stale: { entry: 'cut', on: { LOST: lost } },
        waiting: { entry: 'wait', on: { RETRY: 'connecting' } },
        failed: { entry: 'fail' },
        closed: { type: 'final', entry: 'hangUp' },
      },
    });
}

type DialerMachine = ReturnType<typeof makeMachine>;
export type DialerActor = ActorRefFrom<DialerMachine>;

let machine: DialerMachine | undefined;

/**
 * The life of one outgoing connection. A socket is only dialled from `waiting`, which is entered when the previous one
 * has ended: there is never more than one. Made with the first dialer: a check of a configuration needs none of it.
 */
export function dialerMachine(): DialerMachine {
  machine ??= makeMachine();
  return machine;
}

export function createDialerActor(control: DialerControl): DialerActor {
  return xstate().createActor(dialerMachine(), { input: { control } });
}
