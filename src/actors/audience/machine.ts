import { type ActorRefFrom, setup } from 'xstate';

type AudienceEvent =
  /** The gate of a pipeline that reads this endpoint has shut, or its source is not there yet. */
  | { type: 'CONGEST' }
  | { type: 'CLEAR' }
  /** The gateway stops: every connection gets its slot. */
  | { type: 'DRAIN' }
  /** The last connection has gone. */
  | { type: 'EMPTY' };

export interface AudienceControl {
  readonly isEmpty: boolean;
  /** Connections that wait to be read may be read again. */
  releaseHeld(): void;
  /** Give each connection its slot. */
  startDrain(): void;
  /** Nobody is left and nobody will come. */
  finished(): void;
}

/** Life of an endpoint's audience: who is connected stays outside, in a plain map. */
export const audienceMachine = setup({
  types: {
    context: {} as { readonly audience: AudienceControl },
    input: {} as { readonly audience: AudienceControl },
    events: {} as AudienceEvent,
  },
  actions: {
    releaseHeld: ({ context }) => context.audience.releaseHeld(),
    startDrain: ({ context }) => context.audience.startDrain(),
    finished: ({ context }) => context.audience.finished(),
  },
  guards: {
    isEmpty: ({ context }) => context.audience.isEmpty,
  },
}).createMachine({
  id: 'audience',
  context: ({ input }) => ({ audience: input.audience }),
  initial: 'flowing',
  states: {
    flowing: { on: { CONGEST: 'congested', DRAIN: 'draining' } },
    congested: { on: { CLEAR: { target: 'flowing', actions: 'releaseHeld' }, DRAIN: 'draining' } },
    draining: {
      entry: 'startDrain',
      always: { guard: 'isEmpty', target: 'closed' },
      on: { EMPTY: 'closed' },
    },
    closed: { type: 'final', entry: 'finished' },
  },
});

export type AudienceActor = ActorRefFrom<typeof audienceMachine>;
