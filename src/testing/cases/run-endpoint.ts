import { formatPath, type Path } from '../../config/problem.ts';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { Step } from '../../config/tests/step-schema.ts';
import type { EndpointTest } from '../../config/tests/tests-schema.ts';
import { Message } from '../../core/message.ts';
import type { SimulatedClient, Simulation } from '../simulation/index.ts';
import { failuresOfList, inputOf, messageOf } from './received.ts';
import type { Failure } from './result.ts';

/** Carries out the steps of a test, one behind the other; resolves with what is not as expected. */
export async function runEndpointTest(
  placed: PlacedTest,
  test: EndpointTest,
  simulation: Simulation,
): Promise<Failure[]> {
  const run = new EndpointRun(placed, test, simulation);
  for (const [at, step] of test.steps.entries()) await run.step(step, ['steps', at]);
  await run.end();
  return run.failures;
}

/** What a client has seen, and how much of it the steps have looked at. */
interface Client {
  readonly socket: SimulatedClient;
  seen: number;
  /** Where it was last looked at; undefined: nowhere. */
  lookedAt: Path | undefined;
}

class EndpointRun {
  readonly failures: Failure[] = [];
  private readonly clients = new Map<string, Client>();
  /** Records of each topic that the steps have looked at. */
  private readonly records = new Map<string, number>();
  private readonly placed: PlacedTest;
  private readonly test: EndpointTest;
  private readonly simulation: Simulation;

  constructor(placed: PlacedTest, test: EndpointTest, simulation: Simulation) {
    this.placed = placed;
    this.test = test;
    this.simulation = simulation;
  }

  async step(step: Step, path: Path): Promise<void> {
    switch (step.kind) {
      case 'after':
        return await this.simulation.advance(step.after);
      case 'connect':
        return await this.connect(step, path);
      case 'send': {
        const { socket } = this.client(step.client);
        for (const { json, text, base64 } of step.frames)
          socket.send(base64 === undefined ? (text ?? JSON.stringify(json)) : Buffer.from(base64, 'base64'));
        return await this.simulation.quiet();
      }
      case 'close':
        this.client(step.client).socket.close(step.code);
        return await this.simulation.quiet();
      case 'append':
        this.simulation.append(step.topic, step.records.map(inputOf));
        return await this.simulation.quiet();
      case 'records':
        return await this.expectRecords(step, [...path, 'expect']);
      case 'frames':
        return await this.expectFrames(step, [...path, 'expect']);
      default:
        return this.expectEnding(step, [...path, 'expect']);
    }
  }

  /** A client that is looked at is looked at to the end: a frame too many is a mistake, wherever it comes. */
  async end(): Promise<void> {
    for (const { socket, seen, lookedAt } of this.clients.values()) {
      if (lookedAt === undefined || socket.frames.length === seen) continue;
      const more = socket.frames.slice(seen).map(frameMessage);
      this.failures.push(...(await failuresOfList(this.placed, lookedAt, [], more)));
    }
  }
}
