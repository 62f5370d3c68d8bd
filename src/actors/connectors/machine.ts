import { type ActorRefFrom, setup } from 'xstate';

type RunnerEvent =
  | { type: 'START' }
  | { type: 'PAUSE' }
  /** Do it all over again, whatever the state. */
  | { type: 'RESTART' }
  /** What runs gets nowhere at the moment, and goes on trying. */
  | { type: 'TROUBLED' }
  | { type: 'RECOVERED' }
  /** What runs has given up. */
  | { type: 'FAILED' }
  /** What ran has come to its end. */
  | { type: 'ENDED' }
  /** It is not wanted here any more: finish what was begun. */
  | { type: 'HALT' }
  /** It runs elsewhere: drop everything. */
  | { type: 'KILL' };

export interface RunnerControl {
  /** Begin; TROUBLED, RECOVERED and FAILED may follow. */
  begin(): void;
  /** Finish what was begun; ENDED follows, also where nothing was begun. */
  end(): void;
  /** Drop everything at once; `halted` follows by itself. */
  drop(): void;
  halted(): void;
}

/** Life of a connector, or of one of its tasks, on one gateway. States are those of Kafka Connect, and what lies between. */
export const runnerMachine = setup({
  types: {
    context: {} as { readonly runner: RunnerControl },
    input: {} as { readonly runner: RunnerControl },
    events: {} as RunnerEvent,
  },
  actions: {
    begin: ({ context }) => context.runner.begin(),
    end: ({ context }) => context.runner.end(),
    drop: ({ context }) => context.runner.drop(),
    halted: ({ context }) => context.runner.halted(),
  },
}).createMachine({
  id: 'connector',
  context: ({ input }) => ({ runner: input.runner }),
  initial: 'unassigned',
  on: { KILL: '.killed' },
  states: {
    unassigned: { on: { START: 'running', PAUSE: 'paused', HALT: 'halted' } },
    running: {
      entry: 'begin',
      initial: 'working',
      on: { PAUSE: 'pausing', RESTART: 'restarting', FAILED: 'failing', HALT: 'halting' },
      states: {
        working: { on: { TROUBLED: 'troubled' } },
        troubled: { on: { RECOVERED: 'working' } },
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
