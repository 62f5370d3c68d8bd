import { type ActorRefFrom, setup } from 'xstate';
import { type Control, type Controlled, ordersOf, questionsOf } from '../control.ts';

type EndpointEvent =
  /** The gate of a pipeline that reads this endpoint has shut, or its source is not there yet. */
  | { type: 'CONGEST' }
  | { type: 'CLEAR' }
  /** The gateway stops: every connection gets its slot. */
  | { type: 'DRAIN' }
  /** The last connection has gone. */
  | { type: 'EMPTY' }
  /** The machine of a member threw; xstate tells the parent. */
  | { type: `xstate.error.actor.${string}`; error: unknown; actorId: string };

/** What the machine orders of an endpoint. */
const ORDERS = [
  /** Connections that wait to be read may be read again. */
  'releaseHeld',
  /** Give each connection its slot. */
  'startDrain',
  /** No connection is left, and none will come. */
  'finished',
] as const;
const QUESTIONS = ['isEmpty'] as const;

export interface EndpointControl extends Control<(typeof ORDERS)[number], (typeof QUESTIONS)[number]> {
  /** A connection's own machine failed: that one is cut, the others go on. */
  memberFailed(name: string, error: unknown): void;
}

/** Life of an endpoint. Its connections stay outside, in a plain map. */
export const endpointMachine = setup({
  types: {
    context: {} as Controlled<EndpointControl>,
    input: {} as Controlled<EndpointControl>,
    events: {} as EndpointEvent,
  },
  actions: {
    ...ordersOf(ORDERS),
    memberFailed: ({ context, event }) => {
      if ('actorId' in event) context.control.memberFailed(event.actorId, event.error);
    },
  },
  guards: questionsOf(QUESTIONS),
}).createMachine({
  id: 'endpoint',
  context: ({ input }) => input,
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

export type EndpointActor = ActorRefFrom<typeof endpointMachine>;
