import { type ActorRefFrom, setup } from 'xstate';

type DialerEvent =
  | { type: 'OPEN' }
  /** The handshake is done. */
  | { type: 'CONNECTED' }
  /** Everything that is sent first has been sent, and every reply that is waited for has come. */
  | { type: 'SUBSCRIBED' }
  /** There is no socket any more, or there never was. */
  | { type: 'LOST' }
  /** The server is silent, or does not reply as it should. */
  | { type: 'STALE' }
  /** The pause is over. */
  | { type: 'RETRY' }
  | { type: 'CLOSE' };

export interface DialerControl {
  /** Whether a lost connection is made again. */
  readonly mayReconnect: boolean;
  dial(): void;
  greet(): void;
  goLive(): void;
  /** End the socket without a word; LOST follows. */
  cut(): void;
  /** Ask for RETRY after a pause. */
  wait(): void;
  fail(): void;
  hangUp(): void;
}

const lost = [{ guard: 'mayReconnect' as const, target: 'waiting' }, { target: 'failed' }];

/**
 * Life of one outgoing connection. A new socket is only dialled from `waiting`, which is only entered once the one
 * before has ended: there is never more than one.
 */
export const dialerMachine = setup({
  types: {
    context: {} as { readonly dialer: DialerControl },
    input: {} as { readonly dialer: DialerControl },
    events: {} as DialerEvent,
  },
  actions: {
    dial: ({ context }) => context.dialer.dial(),
    greet: ({ context }) => context.dialer.greet(),
    goLive: ({ context }) => context.dialer.goLive(),
    cut: ({ context }) => context.dialer.cut(),
    wait: ({ context }) => context.dialer.wait(),
    fail: ({ context }) => context.dialer.fail(),
    hangUp: ({ context }) => context.dialer.hangUp(),
  },
  guards: { mayReconnect: ({ context }) => context.dialer.mayReconnect },
}).createMachine({
  id: 'dialer',
  context: ({ input }) => ({ dialer: input.dialer }),
  initial: 'disconnected',
  on: { CLOSE: '.closed' },
  states: {
    disconnected: { on: { OPEN: 'connecting' } },
    connecting: { entry: 'dial', on: { CONNECTED: 'subscribing', STALE: 'stale', LOST: lost } },
    subscribing: { entry: 'greet', on: { SUBSCRIBED: 'live', STALE: 'stale', LOST: lost } },
    live: { entry: 'goLive', on: { STALE: 'stale', LOST: lost } },
    stale: { entry: 'cut', on: { LOST: lost } },
    waiting: { entry: 'wait', on: { RETRY: 'connecting' } },
    failed: { entry: 'fail' },
    closed: { type: 'final', entry: 'hangUp' },
  },
});

export type DialerActor = ActorRefFrom<typeof dialerMachine>;
