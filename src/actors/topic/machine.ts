import { type ActorRefFrom, setup } from 'xstate';

type TopicEvent =
  /** A send has begun. */
  | { type: 'SEND' }
  /** It ended and nothing waits. */
  | { type: 'IDLE' }
  /** The outcome of a try is unknown; the lane repeats it. */
  | { type: 'RETRYING' }
  | { type: 'RECOVERED' }
  /** The gateway gives up what is not in the log yet. */
  | { type: 'ABANDON' };

export interface TopicControl {
  abandon(): void;
}

/** State of a topic that is written to. It hears of sends, never of messages. */
export const topicMachine = setup({
  types: {
    context: {} as { readonly topic: TopicControl },
    input: {} as { readonly topic: TopicControl },
    events: {} as TopicEvent,
  },
  actions: { abandon: ({ context }) => context.topic.abandon() },
}).createMachine({
  id: 'topic',
  context: ({ input }) => ({ topic: input.topic }),
  initial: 'idle',
  on: { ABANDON: '.abandoned' },
  states: {
    idle: { on: { SEND: 'sending' } },
    sending: { on: { IDLE: 'idle', RETRYING: 'retrying' } },
    retrying: { on: { RECOVERED: 'sending', IDLE: 'idle' } },
    abandoned: { type: 'final', entry: 'abandon' },
  },
});

export type TopicActor = ActorRefFrom<typeof topicMachine>;
