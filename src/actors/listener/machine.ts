import { type ActorRefFrom, setup } from 'xstate';

type ListenerEvent =
  | { type: 'BIND' }
  | { type: 'BOUND' }
  | { type: 'UNBINDABLE' }
  | { type: 'DRAIN' }
  | { type: 'CLOSE' };

export interface ListenerControl {
  bind(): void;
  stopAccepting(): void;
  closeServer(): void;
}

/** Life of a bound port. */
export const listenerMachine = setup({
  types: {
    context: {} as { readonly listener: ListenerControl },
    input: {} as { readonly listener: ListenerControl },
    events: {} as ListenerEvent,
  },
  actions: {
    bind: ({ context }) => context.listener.bind(),
    stopAccepting: ({ context }) => context.listener.stopAccepting(),
    closeServer: ({ context }) => context.listener.closeServer(),
  },
}).createMachine({
  id: 'listener',
  context: ({ input }) => ({ listener: input.listener }),
  initial: 'unbound',
  states: {
    unbound: { on: { BIND: 'binding', CLOSE: 'closed' } },
    binding: { entry: 'bind', on: { BOUND: 'listening', UNBINDABLE: 'failed', CLOSE: 'closed' } },
    listening: { on: { DRAIN: 'draining', CLOSE: 'closed' } },
    // No new sockets; those that are open are drained by their audience.
    draining: { entry: 'stopAccepting', on: { CLOSE: 'closed' } },
    failed: { type: 'final' },
    closed: { type: 'final', entry: 'closeServer' },
  },
});

export type ListenerActor = ActorRefFrom<typeof listenerMachine>;
