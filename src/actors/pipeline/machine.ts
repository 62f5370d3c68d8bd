import { type ActorRefFrom, setup } from 'xstate';

type PipelineEvent =
  | { type: 'START' }
  /** Source and sink are open and the flow is subscribed. */
  | { type: 'OPENED' }
  /** The gate has shut or opened. */
  | { type: 'CONGEST' }
  | { type: 'CLEAR' }
  /** The flow, its source or its sink ended by an error. */
  | { type: 'BROKEN' }
  /** The pause before another start is over. */
  | { type: 'RETRY' }
  /** A record that must not be skipped cannot be processed: the pipeline stops in front of it. */
  | { type: 'HALT' }
  /** An end of the pipeline has given up for good, or what was in front of that record took too long. */
  | { type: 'FAIL' }
  | { type: 'DRAIN' }
  /** Nothing is in flight any more. */
  | { type: 'EMPTY' };

export interface PipelineControl {
  readonly isEmpty: boolean;
  /** Whether the gate is shut. */
  readonly isCongested: boolean;
  open(): void;
  pauseSource(): void;
  resumeSource(): void;
  /** Nack what is in flight, close what is open, and ask for RETRY after a pause. */
  breakDown(): void;
  /** Take nothing more, and let what is in flight in front of the failed record be settled: EMPTY, or FAIL after a while. */
  halt(): void;
  fail(): void;
  /** The flow broke while the pipeline drains: nack what is in flight, there is no other try. */
  giveUp(): void;
  drain(): void;
  finished(): void;
}

/** Life of a pipeline. The machine owns when the flow runs, the flow carries the batches. */
export const pipelineMachine = setup({
  types: {
    context: {} as { readonly pipeline: PipelineControl },
    input: {} as { readonly pipeline: PipelineControl },
    events: {} as PipelineEvent,
  },
  actions: {
    open: ({ context }) => context.pipeline.open(),
    pauseSource: ({ context }) => context.pipeline.pauseSource(),
    resumeSource: ({ context }) => context.pipeline.resumeSource(),
    breakDown: ({ context }) => context.pipeline.breakDown(),
    halt: ({ context }) => context.pipeline.halt(),
    fail: ({ context }) => context.pipeline.fail(),
    giveUp: ({ context }) => context.pipeline.giveUp(),
    drain: ({ context }) => context.pipeline.drain(),
    finished: ({ context }) => context.pipeline.finished(),
  },
  guards: {
    isEmpty: ({ context }) => context.pipeline.isEmpty,
    isCongested: ({ context }) => context.pipeline.isCongested,
  },
}).createMachine({
  id: 'pipeline',
  context: ({ input }) => ({ pipeline: input.pipeline }),
  initial: 'stopped',
  states: {
    stopped: { on: { START: 'opening', DRAIN: 'drained' } },
    opening: {
      entry: 'open',
      on: {
        // A source may have filled the gate before it said that it is open.
        OPENED: [{ guard: 'isCongested', target: 'running.congested', actions: 'pauseSource' }, { target: 'running' }],
        BROKEN: 'waiting',
        HALT: 'halting',
        FAIL: 'failed',
        DRAIN: 'draining',
      },
    },
    running: {
      initial: 'flowing',
      on: { BROKEN: 'waiting', HALT: 'halting', FAIL: 'failed', DRAIN: 'draining' },
      states: {
        flowing: { on: { CONGEST: { target: 'congested', actions: 'pauseSource' } } },
        congested: { on: { CLEAR: { target: 'flowing', actions: 'resumeSource' } } },
      },
    },
    waiting: { entry: 'breakDown', on: { RETRY: 'opening', DRAIN: 'drained' } },
    halting: {
      entry: 'halt',
      always: { guard: 'isEmpty', target: 'failed' },
      on: { EMPTY: 'failed', BROKEN: 'failed', FAIL: 'failed', DRAIN: 'draining' },
    },
    failed: { entry: 'fail', on: { DRAIN: 'drained' } },
    draining: {
      entry: 'drain',
      always: { guard: 'isEmpty', target: 'drained' },
      on: { EMPTY: 'drained', BROKEN: { target: 'drained', actions: 'giveUp' } },
    },
    drained: { type: 'final', entry: 'finished' },
  },
});

export type PipelineActor = ActorRefFrom<typeof pipelineMachine>;
