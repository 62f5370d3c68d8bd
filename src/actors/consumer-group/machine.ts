import { type ActorRefFrom, setup } from 'xstate';

type MemberEvent =
  | { type: 'JOINING' }
  | { type: 'ASSIGNED' }
  | { type: 'REBALANCING' }
  | { type: 'PAUSE' }
  | { type: 'RESUME' }
  | { type: 'DRAIN' }
  | { type: 'LEFT' }
  | { type: 'FAILED' };

/** Life of this gateway's member of a consumer group. */
export const consumerGroupMachine = setup({
  types: { events: {} as MemberEvent },
}).createMachine({
  id: 'consumer-group',
  initial: 'joining',
  on: { FAILED: '.failed', LEFT: '.left', DRAIN: '.draining' },
  states: {
    joining: { on: { ASSIGNED: 'stable' } },
    stable: { on: { REBALANCING: 'rebalancing', JOINING: 'joining', PAUSE: 'paused' } },
    // Nothing stops while the group rebalances: only the difference is acted on, once it is known.
    rebalancing: { on: { ASSIGNED: 'stable', JOINING: 'joining' } },
    paused: { on: { RESUME: 'stable', REBALANCING: 'rebalancing', JOINING: 'joining' } },
    draining: { on: { DRAIN: {}, ASSIGNED: {}, REBALANCING: {} } },
    // The driver rebuilds its member by itself; joining again is the way out.
    failed: { on: { JOINING: 'joining', ASSIGNED: 'stable', FAILED: {} } },
    left: { type: 'final' },
  },
});

export type ConsumerGroupActor = ActorRefFrom<typeof consumerGroupMachine>;
