import { type ActorRefFrom, setup } from 'xstate';
import { type Control, type Controlled, ordersOf } from '../control.ts';

type ListenerEvent =
  | { type: 'BIND' }
  | { type: 'BOUND' }
  | { type: 'UNBINDABLE' }
  | { type: 'DRAIN' }
  | { type: 'CLOSE' };

/** What the machine orders of a listener. */
const ORDERS = ['bind', 'stopAccepting', 'closeServer'] as const;

export type ListenerControl = Control<(typeof ORDERS)[number]>;

/** Life of a bound port. */
export const listenerMachine = setup({
  types: {
    context: {} as Controlled<ListenerControl>,
    input: {} as Controlled<ListenerControl>,
    events: {} as ListenerEvent,
  },
  actions: ordersOf(ORDERS),
}).createMachine({
  id: 'listener',
  context: ({ input }) => input,
  initial: 'unbound',
  states: {
    unbound: { on: { BIND: 'binding', CLOSE: 'closed' } },
    binding: { entry: 'bind', on: { BOUND: 'listening', UNBINDABLE: 'failed', CLOSE: 'closed' } },
    listening: { on: { DRAIN: 'draining', CLOSE: 'closed' } },
    // No new sockets; those that are open are drained by their endpoint.
    draining: { entry: 'stopAccepting', on: { CLOSE: 'closed' } },
    failed: { type: 'final' },
    closed: { type: 'final', entry: 'closeServer' },
  },
});

export type ListenerActor = ActorRefFrom<typeof listenerMachine>;
