import { type ActorRefFrom, setup } from 'xstate';

type GatewayEvent =
  | { type: 'START' }
  /** Every listener is bound. */
  | { type: 'STARTED' }
  | { type: 'START_FAILED' }
  | { type: 'STOP' }
  /** Everything is settled and closed. */
  | { type: 'DRAINED' }
  /** The deadline is over, or a person is in a hurry. */
  | { type: 'FORCE' }
  | { type: 'STOPPED' };

/** Life of the whole gateway. Whether it is ready is read from its parts, not kept twice. */
export const gatewayMachine = setup({ types: { events: {} as GatewayEvent } }).createMachine({
  id: 'gateway',
  initial: 'created',
  states: {
    created: { on: { START: 'starting', STOP: 'stopped' } },
    starting: { on: { STARTED: 'running', START_FAILED: 'closing', STOP: 'draining' } },
    running: { on: { STOP: 'draining' } },
    draining: { on: { DRAINED: 'closing', FORCE: 'forcing' } },
    // What is not in the log by now is answered as retryable and given up.
    forcing: { on: { DRAINED: 'closing' } },
    closing: { on: { STOPPED: 'stopped' } },
    stopped: { type: 'final' },
  },
});

export type GatewayActor = ActorRefFrom<typeof gatewayMachine>;
