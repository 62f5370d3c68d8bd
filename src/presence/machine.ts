import { type ActorRefFrom, setup } from 'xstate';
import { type Control, type Controlled, ordersOf } from '../actors/control.ts';

type PresenceEvent =
  /** The topics exist. */
  | { type: 'START' }
  /** All has been read that was in the topic at the start. */
  | { type: 'CAUGHT_UP' }
  /** A lease of ours was read back. */
  | { type: 'LEASED' }
  /** The others have declared this gateway dead, or the topic was created again. */
  | { type: 'FENCED' }
  /** The gateway stops; its last member has left. */
  | { type: 'RESIGN' }
  /** The log has the goodbye, or never will. */
  | { type: 'RESIGNED' }
  | { type: 'CLOSE' };

/**
 * What the machine orders of a gateway's life among those that share members:
 *
 * - `rebuild`: begin a new incarnation and read the members
 * - `enter`: tell the other gateways of this incarnation
 * - `admit`: show the members, and let those that wait join
 * - `fence`: every member of this gateway has to go
 * - `sayGoodbye`: tell the other gateways that this incarnation ends
 * - `end`: write nothing any more
 */
const ORDERS = ['rebuild', 'enter', 'admit', 'fence', 'sayGoodbye', 'end'] as const;

export type PresenceControl = Control<(typeof ORDERS)[number]>;

/** Life of a gateway in a room, or among those that share channels. Its events are about incarnations, never about members. */
export const presenceMachine = setup({
  types: {
    context: {} as Controlled<PresenceControl>,
    input: {} as Controlled<PresenceControl>,
    events: {} as PresenceEvent,
  },
  actions: ordersOf(ORDERS),
}).createMachine({
  id: 'presence',
  context: ({ input }) => input,
  initial: 'waiting',
  on: { RESIGN: '.gone', CLOSE: '.gone' },
  states: {
    waiting: { on: { START: 'rebuilding' } },
    rebuilding: {
      entry: 'rebuild',
      on: { CAUGHT_UP: 'entering', FENCED: { target: 'rebuilding', reenter: true, actions: 'fence' } },
    },
    entering: {
      entry: 'enter',
      on: { LEASED: 'present', FENCED: { target: 'rebuilding', actions: 'fence' }, RESIGN: 'resigning' },
    },
    present: {
      entry: 'admit',
      on: { FENCED: { target: 'rebuilding', actions: 'fence' }, RESIGN: 'resigning' },
    },
    // No member is left that could be fenced.
    resigning: { entry: 'sayGoodbye', on: { RESIGNED: 'gone', RESIGN: {} } },
    gone: { type: 'final', entry: 'end' },
  },
});

export type PresenceActor = ActorRefFrom<typeof presenceMachine>;
