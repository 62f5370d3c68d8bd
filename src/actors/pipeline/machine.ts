import { type ActorRefFrom, setup } from 'xstate';
import { type Control, type Controlled, ordersOf, questionsOf } from '../control.ts';

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

/** What the machine orders of a pipeline. */
const ORDERS = [
  /** Open source and sink; OPENED or BROKEN follows. */
  'open',
  'pauseSource',
  'resumeSource',
  /** Nack what is in flight, close what is open, and ask for RETRY after a pause. */
  'breakDown',
  /** Take nothing more, and let what is in flight in front of the failed record be settled: EMPTY, or FAIL after a while. */
  'halt',
  'fail',
  /** The flow broke while the pipeline drains: nack what is in flight, there is no other try. */
  'giveUp',
  'drain',
  'finished',
] as const;
/** What it asks: whether nothing is in flight, and whether the gate is shut. */
const QUESTIONS = ['isEmpty', 'isCongested'] as const;

export type PipelineControl = Control<(typeof ORDERS)[number], (typeof QUESTIONS)[number]>;

/** Life of a pipeline. The machine decides when the flow runs, the flow carries the batches. */
export const pipelineMachine = setup({
  types: {
    context: {} as Controlled<PipelineControl>,
    input: {} as Controlled<PipelineControl>,
    events: {} as PipelineEvent,
  },
  actions: ordersOf(ORDERS),
  guards: questionsOf(QUESTIONS),
}).createMachine({
  id: 'pipeline',
  context: ({ input }) => input,
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
