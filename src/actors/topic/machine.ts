import { type ActorRefFrom, setup } from 'xstate';
import { type Control, type Controlled, ordersOf, questionsOf } from '../control.ts';

type TopicEvent =
  /** Messages may wait to be sent. */
  | { type: 'WRITTEN' }
  /** A send has ended, whatever its outcome. */
  | { type: 'SENT' }
  /** The outcome of a try is unknown; the lane repeats it. */
  | { type: 'RETRYING' }
  | { type: 'RECOVERED' }
  /** The gateway gives up the messages that are not in the log yet. */
  | { type: 'ABANDON' };

/** What the machine orders of a topic. */
const ORDERS = [
  /** Send the messages that wait, as many as fit; SENT follows. */
  'send',
  /** Settle the messages that wait, and take no more. */
  'abandon',
] as const;
const QUESTIONS = ['hasWaiting'] as const;

export type TopicControl = Control<(typeof ORDERS)[number], (typeof QUESTIONS)[number]>;

const sendMore = { guard: 'hasWaiting', target: 'sending', actions: 'send' } as const;

/**
 * A topic that is written to has one send at a time: only `idle`, or the end of a send, begins another, and none begins
 * once the topic is abandoned. The machine hears of sends, never of messages.
 */
export const topicMachine = setup({
  types: {
    context: {} as Controlled<TopicControl>,
    input: {} as Controlled<TopicControl>,
    events: {} as TopicEvent,
  },
  actions: ordersOf(ORDERS),
  guards: questionsOf(QUESTIONS),
}).createMachine({
  id: 'topic',
  context: ({ input }) => input,
  initial: 'idle',
  on: { ABANDON: '.abandoned' },
  states: {
    idle: { on: { WRITTEN: sendMore } },
    sending: { on: { SENT: [sendMore, { target: 'idle' }], RETRYING: 'retrying' } },
    retrying: { on: { SENT: [sendMore, { target: 'idle' }], RECOVERED: 'sending' } },
    abandoned: { type: 'final', entry: 'abandon' },
  },
});

export type TopicActor = ActorRefFrom<typeof topicMachine>;
