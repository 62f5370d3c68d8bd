import { type ActorRefFrom, setup } from 'xstate';

type AudienceEvent =
  /** The gate of a pipeline that reads this endpoint has shut, or its source is not there yet. */
  | { type: 'CONGEST' }
  | { type: 'CLEAR' }
  /** The gateway stops: every connection gets its slot. */
  | { type: 'DRAIN' }
  /** The last connection has gone. */
  | { type: 'EMPTY' }
  /** The machine of a member threw; xstate tells the parent. */
  | { type: `xstate.error.actor.${string}`; error: unknown; actorId: string };

export interface AudienceControl {
  readonly isEmpty: boolean;
  /** Connections that wait to be read may be read again. */
  releaseHeld(): void;
  /** A connection's own machine failed: that one is cut, the others go on. */
  memberFailed(clientId: string, error: unknown): void;
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
    memberFailed: ({ context, event }) => {
      if ('actorId' in event) context.audience.memberFailed(event.actorId, event.error);
    },
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
  on: { 'xstate.error.actor.*': { actions: 'memberFailed' } },
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
