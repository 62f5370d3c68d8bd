import { formatPath, type Path } from '../../config/problem/problem.ts';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { GivenFrame, Step } from '../../config/tests/step-schema.ts';
import type { EndpointTest } from '../../config/tests/tests-schema.ts';
import { TidegateError } from '../../core/errors.ts';
import type { SimulatedClient } from '../simulation/client.ts';
import { messageOf } from '../simulation/messages.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { show } from './difference.ts';
import { failuresOfList, inputOf, receivedFrame, receivedMessage } from './received.ts';
import type { Failure } from './result.ts';

/** Carries out the steps of a test, one behind the other; resolves with what is not as expected. */
export async function runEndpointTest(
  placed: PlacedTest,
  test: EndpointTest,
  simulation: Simulation,
): Promise<readonly Failure[]> {
  const run = new EndpointRun(placed, test, simulation);
  for (const [at, step] of test.steps.entries()) {
    await run.step(step, ['steps', at]);
    // What comes behind a step that failed is mostly a consequence of it.
    if (run.failures.length > 0) return run.failures;
  }
  await run.end();
  return run.failures;
}

type StepOf<Kind extends Step['kind']> = Extract<Step, { readonly kind: Kind }>;

/** A client that was let in, or why it was not. */
interface Client {
  readonly socket: SimulatedClient | undefined;
  /** Of the handshake. */
  readonly refusal: TidegateError | undefined;
  readonly connectedAt: Path;
  /** How many of its frames the steps have looked at. */
  seen: number;
  /** The step that looked at its frames last. */
  lookedAt: Path | undefined;
  isRefusalExpected: boolean;
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
        return await this.connect(step, [...path, 'connect']);
      case 'send':
        return await this.send(step, [...path, 'send']);
      case 'close':
        this.open(step.client, [...path, 'close'])?.close(step.code);
        return await this.simulation.quiet();
      case 'append':
        return await this.append(step);
      case 'records':
        return await this.expectRecords(step, [...path, 'expect']);
      case 'frames':
        return await this.expectFrames(step, [...path, 'expect']);
      case 'closed':
        return this.expectClose(step, [...path, 'expect', 'close']);
      case 'refused':
        return this.expectRefusal(step, [...path, 'expect', 'refused']);
    }
  }

  /** The frames of a client that is looked at are all looked at: one too many is a mistake, wherever it comes. */
  async end(): Promise<void> {
    for (const [name, client] of this.clients) await this.finish(name, client);
  }

  private async finish(name: string, client: Client): Promise<void> {
    const { socket, refusal, seen, lookedAt, connectedAt } = client;
    if (refusal !== undefined && !client.isRefusalExpected) this.fail(connectedAt, refusal.message);
    if (socket === undefined || lookedAt === undefined) return;
    const more = socket.frames.slice(seen).map(receivedFrame);
    for (const failure of await failuresOfList(this.placed, lookedAt, [], more))
      this.failures.push({ ...failure, path: `${failure.path}, behind the last expect of ${name}` });
  }

  private async connect({ client, connect }: StepOf<'connect'>, path: Path): Promise<void> {
    const before = this.clients.get(client);
    if (before?.socket !== undefined && before.socket.closed === undefined)
      return this.fail(path, `${client} is connected already; close its connection first, or name another client`);
    if (before !== undefined) await this.finish(client, before);
    const { endpoint = this.test.endpoint, claims, ...options } = connect;
    const identity = claims === undefined ? {} : { identity: claims };
    const state = { connectedAt: path, seen: 0, lookedAt: undefined, isRefusalExpected: false };
    try {
      const socket = await this.simulation.connect(endpoint, { ...options, ...identity });
      this.clients.set(client, { ...state, socket, refusal: undefined });
    } catch (error) {
      if (!(error instanceof TidegateError) || error.code !== 'TG_NOT_ALLOWED') throw error;
      this.clients.set(client, { ...state, socket: undefined, refusal: error });
    }
  }

  private async send({ client, frames }: StepOf<'send'>, path: Path): Promise<void> {
    const socket = this.open(client, path);
    for (const frame of socket === undefined ? [] : frames) {
      // The gateway may have closed the connection because of the frame in front.
      if (this.open(client, path) === undefined) return;
      socket?.send(dataOf(frame));
      await this.simulation.quiet();
    }
  }

  private async append({ topic, records }: StepOf<'append'>): Promise<void> {
    const { log, clock } = this.simulation;
    const messages = records.map((record) => messageOf(inputOf(record), clock.now()));
    await log.append(topic, messages);
    await this.simulation.quiet();
  }

  private async expectRecords({ topic, expected }: StepOf<'records'>, path: Path): Promise<void> {
    const all = this.simulation.output().get(topic) ?? [];
    const news = all.slice(this.records.get(topic) ?? 0).map(receivedMessage);
    this.records.set(topic, all.length);
    this.failures.push(...(await failuresOfList(this.placed, path, expected, news)));
  }

  private async expectFrames({ client: name, expected }: StepOf<'frames'>, path: Path): Promise<void> {
    const client = this.clients.get(name);
    if (client?.socket === undefined) return this.fail(path, client?.refusal?.message ?? 'it has not connected');
    const { frames, closed } = client.socket;
    const news = frames.slice(client.seen).map(receivedFrame);
    client.seen = frames.length;
    client.lookedAt = path;
    const failures = await failuresOfList(this.placed, path, expected, news);
    this.failures.push(...failures);
    if (failures.length > 0 && closed !== undefined) this.fail(path, closedWith(closed));
  }

  private expectClose({ client, code }: StepOf<'closed'>, path: Path): void {
    const { socket, refusal } = this.clients.get(client) ?? {};
    const closed = socket?.closed;
    if (closed?.code === code) return;
    const got = refusal?.message ?? (closed === undefined ? 'an open connection' : closedWith(closed));
    this.differ(path, String(code), got);
  }

  private expectRefusal({ client: name, status }: StepOf<'refused'>, path: Path): void {
    const client = this.clients.get(name);
    const refusal = client?.refusal;
    if (client !== undefined) client.isRefusalExpected = true;
    if (refusal?.message.includes(` refused: ${status} `) === true) return;
    this.differ(path, String(status), refusal?.message ?? 'a connection that was let in');
  }

  /** The socket of a client; undefined, and a failure, where it has none that is open. */
  private open(name: string, path: Path): SimulatedClient | undefined {
    const { socket, refusal } = this.clients.get(name) ?? {};
    if (socket !== undefined && socket.closed === undefined) return socket;
    const closed = socket?.closed === undefined ? 'it has not connected' : closedWith(socket.closed);
    this.fail(path, refusal?.message ?? closed);
    return undefined;
  }

  private fail(path: Path, sentence: string): void {
    this.failures.push({ path: formatPath(path), place: this.placed.locate(path), what: { sentence } });
  }

  private differ(path: Path, expected: string, got: string): void {
    this.failures.push({ path: formatPath(path), place: this.placed.locate(path), what: { expected, got } });
  }
}

function closedWith({ code, reason }: NonNullable<SimulatedClient['closed']>): string {
  return `the connection was closed with ${code}${reason === '' ? '' : ` ${show(reason)}`}`;
}

function dataOf({ json, text, base64 }: GivenFrame): string | Buffer {
  return base64 === undefined ? (text ?? JSON.stringify(json)) : Buffer.from(base64, 'base64');
}
