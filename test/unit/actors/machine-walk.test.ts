import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AnyStateMachine, type AnyStateNode, createActor } from 'xstate';
import { getShortestPaths } from 'xstate/graph';
import { consumerGroupMachine } from '../../../src/actors/consumer-group/machine.ts';
import { connectionMachine } from '../../../src/actors/endpoint/connection-machine.ts';
import { endpointMachine } from '../../../src/actors/endpoint/machine.ts';
import { listenerMachine } from '../../../src/actors/listener/machine.ts';
import { pipelineMachine } from '../../../src/actors/pipeline/machine.ts';
import { topicMachine } from '../../../src/actors/topic/machine.ts';
import { runnerMachine } from '../../../src/connect/cluster/machine.ts';
import { dialerMachine } from '../../../src/feeds/connection/machine.ts';
import { presenceMachine } from '../../../src/presence/machine.ts';

interface Walk {
  readonly machine: AnyStateMachine;
  /** Name of the control object in the machine's input; none for a machine that orders nothing. */
  readonly control?: string;
  /** Answers to the machine's questions; each set of answers is walked. */
  readonly answers?: readonly Readonly<Record<string, boolean>>[];
  /** What must have been ordered by the time a state is reached. */
  readonly orders?: Readonly<Record<string, string>>;
}

const WALKS: readonly Walk[] = [
  { machine: consumerGroupMachine },
  {
    machine: listenerMachine,
    control: 'control',
    orders: { binding: 'bind', draining: 'stopAccepting', closed: 'closeServer' },
  },
  {
    machine: connectionMachine,
    control: 'control',
    answers: [
      { isAdmitted: false, isAnswered: false },
      { isAdmitted: true, isAnswered: true },
      { isAdmitted: true, isAnswered: false },
    ],
    orders: { 'serving.held': 'hold', draining: 'drain', closing: 'close', closed: 'gone' },
  },
  {
    machine: endpointMachine,
    control: 'control',
    answers: [{ isEmpty: false }, { isEmpty: true }],
    orders: { draining: 'startDrain', closed: 'finished' },
  },
  {
    machine: presenceMachine,
    control: 'control',
    orders: { rebuilding: 'rebuild', entering: 'enter', present: 'admit', resigning: 'sayGoodbye', gone: 'end' },
  },
  {
    machine: dialerMachine(),
    control: 'control',
    answers: [{ mayReconnect: true }, { mayReconnect: false }],
    orders: {
      connecting: 'dial',
      subscribing: 'subscribe',
      live: 'goLive',
      stale: 'cut',
      leaving: 'leave',
      waiting: 'wait',
      failed: 'fail',
      closed: 'hangUp',
    },
  },
  {
    machine: runnerMachine,
    control: 'control',
    orders: {
      'running.working': 'begin',
      restarting: 'end',
      pausing: 'end',
      failing: 'end',
      halting: 'end',
      killed: 'drop',
      halted: 'halted',
    },
  },
  {
    machine: topicMachine,
    control: 'control',
    answers: [{ hasWaiting: true }, { hasWaiting: false }],
    orders: { sending: 'send', retrying: 'send', abandoned: 'abandon' },
  },
  {
    machine: pipelineMachine,
    control: 'control',
    answers: [
      { isEmpty: false, isCongested: false },
      { isEmpty: true, isCongested: true },
    ],
    orders: {
      opening: 'open',
      'running.congested': 'pauseSource',
      waiting: 'breakDown',
      failed: 'fail',
      draining: 'drain',
      drained: 'finished',
    },
  },
];

for (const walk of WALKS) {
  describe(`the ${walk.machine.id} machine`, () => {
    const reached = new Set<string>();

    test('every path that the graph knows leads where it says, and the orders were given', () => {
      for (const answers of walk.answers ?? [{}]) {
        const paths = getShortestPaths(walk.machine, {
          input: inputOf(walk, answers).input,
          events: walk.machine.events.filter((type) => !type.startsWith('xstate.')).map((type) => eventOf(type)),
          serializeState: (snapshot) => JSON.stringify(snapshot.value),
        });
        assert.ok(paths.length > 1);
        for (const { state, steps } of paths) {
          const { input, given } = inputOf(walk, answers);
          const actor = createActor(walk.machine, { input }).start();
          for (const { event } of steps) if (event.type !== 'xstate.init') actor.send(event);
          assert.deepEqual(actor.getSnapshot().value, state.value);
          const name = leaf(state.value);
          const order = walk.orders?.[name];
          if (order !== undefined) assert.ok(given.has(order), `${name} without ${order}`);
          reached.add(name);
        }
      }
    });

    test('no state is out of reach', () => {
      assert.deepEqual([...reached].sort(), leaves(walk.machine.root).sort());
    });
  });
}

// Helpers

function eventOf(type: string): { type: string } {
  return type === 'CLOSE' ? Object.assign({ type }, { code: 1008, reason: 'slow' }) : { type };
}

/** A control object that answers as told and remembers what it was ordered. */
function inputOf({ control }: Walk, answers: Readonly<Record<string, boolean>>) {
  const given = new Set<string>();
  const fake = new Proxy(answers, {
    get: (target, name: string) => (name in target ? target[name] : () => void given.add(name)),
  });
  return { input: control === undefined ? undefined : { [control]: fake }, given };
}

function leaf(value: unknown): string {
  if (typeof value === 'string') return value;
  const [[state, inner]] = Object.entries(value as Record<string, unknown>) as [[string, unknown]];
  return `${state}.${leaf(inner)}`;
}

/** States that an actor can rest in: those without a way out that is taken at once stay out of it. */
function leaves(node: AnyStateNode): string[] {
  const children = Object.values<AnyStateNode>(node.states);
  return children.length === 0 ? [node.path.join('.')] : children.flatMap((child) => leaves(child));
}
