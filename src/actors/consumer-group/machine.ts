import { type ActorRefFrom, assign, setup } from 'xstate';

type MemberEvent =
  | { type: 'JOINING' }
  | { type: 'ASSIGNED' }
  | { type: 'REBALANCING' }
  | { type: 'PAUSE' }
  | { type: 'RESUME' }
  | { type: 'DRAIN' }
  | { type: 'LEFT' }
  | { type: 'FAILED' };

/** A pause outlives rebalances and failures: the driver keeps it, so the state has to show it again. */
const assigned = [{ guard: 'isPaused' as const, target: 'paused' }, { target: 'stable' }];

/** Life of this gateway's member of a consumer group. */
export const consumerGroupMachine = setup({
  types: { context: {} as { readonly isPaused: boolean }, events: {} as MemberEvent },
  actions: { pause: assign({ isPaused: true }), resume: assign({ isPaused: false }) },
  guards: { isPaused: ({ context }) => context.isPaused },
}).createMachine({
  id: 'consumer-group',
  context: { isPaused: false },
  initial: 'joining',
  on: {
    FAILED: '.failed',
    LEFT: '.left',
    DRAIN: '.draining',
    PAUSE: { actions: 'pause' },
    RESUME: { actions: 'resume' },
  },
  states: {
    joining: { on: { ASSIGNED: assigned } },
    stable: {
      on: { REBALANCING: 'rebalancing', JOINING: 'joining', PAUSE: { target: 'paused', actions: 'pause' } },
    },
    // Nothing stops while the group rebalances: only the difference is acted on, once it is known.
    rebalancing: { on: { ASSIGNED: assigned, JOINING: 'joining' } },
    paused: {
      on: { RESUME: { target: 'stable', actions: 'resume' }, REBALANCING: 'rebalancing', JOINING: 'joining' },
    },
    draining: { on: { DRAIN: {}, ASSIGNED: {}, REBALANCING: {} } },
    // The driver rebuilds its member by itself; joining again is the way out.
    failed: { on: { JOINING: 'joining', ASSIGNED: assigned, FAILED: {} } },
    left: { type: 'final' },
  },
});

export type ConsumerGroupActor = ActorRefFrom<typeof consumerGroupMachine>;
