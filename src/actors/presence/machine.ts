import { type ActorRefFrom, setup } from 'xstate';

type PresenceEvent =
  /** The topics exist. */
  | { type: 'START' }
  /** All has been read that was there at the start. */
  | { type: 'CAUGHT_UP' }
  /** A lease of ours was read back. */
  | { type: 'LEASED' }
  /** The others have declared this gateway dead, or the topic is another one. */
  | { type: 'FENCED' }
  /** The gateway stops; its last member has left. */
  | { type: 'RESIGN' }
  /** The log has the goodbye, or never will. */
  | { type: 'RESIGNED' }
  | { type: 'CLOSE' };

export interface PresenceControl {
  /** Begin a new incarnation and read who is there. */
  rebuild(): void;
  /** Tell the others of this incarnation. */
  enter(): void;
  /** Show who is there, and let in those who wait. */
  admit(): void;
  /** Every member of this gateway has to go. */
  fence(): void;
  sayGoodbye(): void;
  /** Nothing is written any more. */
  end(): void;
}

/** Life of a gateway in a room. It hears of incarnations, never of members. */
export const presenceMachine = setup({
  types: {
    context: {} as { readonly presence: PresenceControl },
    input: {} as { readonly presence: PresenceControl },
    events: {} as PresenceEvent,
  },
  actions: {
    rebuild: ({ context }) => context.presence.rebuild(),
    enter: ({ context }) => context.presence.enter(),
    admit: ({ context }) => context.presence.admit(),
    fence: ({ context }) => context.presence.fence(),
    sayGoodbye: ({ context }) => context.presence.sayGoodbye(),
    end: ({ context }) => context.presence.end(),
  },
}).createMachine({
  id: 'presence',
  context: ({ input }) => ({ presence: input.presence }),
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
    // Nobody is left who could be fenced.
    resigning: { entry: 'sayGoodbye', on: { RESIGNED: 'gone', RESIGN: {} } },
    gone: { type: 'final', entry: 'end' },
  },
});

export type PresenceActor = ActorRefFrom<typeof presenceMachine>;
