import { type ActorRefFrom, setup } from 'xstate';
import { type Control, type Controlled, ordersOf } from '../../actors/control.ts';

type RunnerEvent =
  | { type: 'START' }
  | { type: 'PAUSE' }
  /** Start again, whatever the state. */
  | { type: 'RESTART' }
  /** What runs makes no progress at the moment, and goes on trying. */
  | { type: 'STUCK' }
  | { type: 'RECOVERED' }
  /** What runs has given up. */
  | { type: 'FAILED' }
  /** What ran has come to its end. */
  | { type: 'ENDED' }
  /** It is not to run here any more: finish what was begun. */
  | { type: 'HALT' }
  /** It runs elsewhere: drop everything. */
  | { type: 'KILL' };

/**
 * What the machine orders of a runner:
 *
 * - `begin`: STUCK, RECOVERED and FAILED may follow
 * - `end`: finish what was begun; ENDED follows, also where nothing was begun
 * - `drop`: drop everything at once; `halted` follows by itself
 * - `halted`: it is over
 */
const ORDERS = ['begin', 'end', 'drop', 'halted'] as const;

export type RunnerControl = Control<(typeof ORDERS)[number]>;

/** Life of a connector, or of one of its tasks, on one gateway. States are those of Kafka Connect, and what lies between. */
export const runnerMachine = setup({
  types: {
    context: {} as Controlled<RunnerControl>,
    input: {} as Controlled<RunnerControl>,
    events: {} as RunnerEvent,
  },
  actions: ordersOf(ORDERS),
}).createMachine({
  id: 'connector',
  context: ({ input }) => input,
  initial: 'unassigned',
  on: { KILL: '.killed' },
  states: {
    unassigned: { on: { START: 'running', PAUSE: 'paused', HALT: 'halted' } },
    running: {
      entry: 'begin',
      initial: 'working',
      on: { PAUSE: 'pausing', RESTART: 'restarting', FAILED: 'failing', HALT: 'halting' },
      states: {
        working: { on: { STUCK: 'stuck' } },
        stuck: { on: { RECOVERED: 'working' } },
      },
    },
    restarting: {
      entry: 'end',
      on: { ENDED: 'running', PAUSE: 'pausing', HALT: 'halting' },
    },
    pausing: {
      entry: 'end',
      on: { ENDED: 'paused', START: 'restarting', RESTART: 'restarting', HALT: 'halting' },
    },
    paused: { on: { START: 'running', HALT: 'halted' } },
    failing: { entry: 'end', on: { ENDED: 'failed', RESTART: 'restarting', HALT: 'halting' } },
    failed: { on: { RESTART: 'running', HALT: 'halted' } },
    halting: { entry: 'end', on: { ENDED: 'halted' } },
    killed: { type: 'final', entry: 'drop' },
    halted: { type: 'final', entry: 'halted' },
  },
});

export type RunnerActor = ActorRefFrom<typeof runnerMachine>;
