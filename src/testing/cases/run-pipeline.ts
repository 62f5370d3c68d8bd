import type { GatewayConfig } from '../../config/index.ts';
import { outputsOf, topicsRead } from '../../config/tests/known-outputs.ts';
import type { PlacedTest } from '../../config/tests/load-tests.ts';
import type { PipelineTest } from '../../config/tests/tests-schema.ts';
import { ownEntry } from '../../core/own-entry.ts';
import type { Fed, InputMessage } from '../simulation/messages.ts';
import type { Simulation } from '../simulation/simulation.ts';
import { failuresOfList, inputOf, receivedMessage } from './received.ts';
import type { Failure } from './result.ts';

/** Milliseconds that go by behind the last input, so that open batches and short pauses end. */
export const LAST_PAUSE = 1_000;

/** Runs the input of a test through its pipeline; resolves with what is not as expected. */
export async function runPipelineTest(
  placed: PlacedTest,
  test: PipelineTest,
  config: GatewayConfig,
  simulation: Simulation,
): Promise<Failure[]> {
  const fed = await feed(test, simulation);
  await simulation.advance(LAST_PAUSE);
  const failures = await differingOutputs(placed, test, config, simulation);
  return failures.length === 0 ? [] : [...failures, ...failedInputs(placed, fed)];
}

interface FedInput {
  readonly at: number;
  readonly fed: Fed;
}

/** Messages that follow each other come in at once. */
async function feed({ pipeline, input = [] }: PipelineTest, simulation: Simulation): Promise<FedInput[]> {
  const all: FedInput[] = [];
  let waiting: { at: number; message: InputMessage }[] = [];
  const flush = async () => {
    const fed = simulation.feed(
      pipeline,
      waiting.map(({ message }) => message),
    );
    for (const [index, one] of fed.entries()) all.push({ at: waiting[index]?.at ?? 0, fed: one });
    waiting = [];
    await simulation.quiet();
  };
  for (const [at, step] of input.entries()) {
    if ('after' in step) {
      await flush();
      await simulation.advance(step.after);
    } else if (!('fault' in step)) waiting.push({ at, message: inputOf(step) });
  }
  await flush();
  return all;
}

/** Outputs of the pipeline that the test does not name get nothing; of other pipelines those count that it names. */
async function differingOutputs(
  placed: PlacedTest,
  { pipeline, output = {} }: PipelineTest,
  config: GatewayConfig,
  simulation: Simulation,
): Promise<Failure[]> {
  const failures: Failure[] = [];
  const came = simulation.output();
  for (const [name, expected] of Object.entries(output)) {
    const messages = (came.get(name) ?? []).map(receivedMessage);
    failures.push(...(await failuresOfList(placed, ['output', name], expected, messages)));
  }
  for (const name of ownOutputs(config, pipeline, came)) {
    if (Object.hasOwn(output, name)) continue;
    const messages = (came.get(name) ?? []).map(receivedMessage);
    for (const failure of await failuresOfList(placed, ['output'], [], messages))
      failures.push({ ...failure, path: `output.${name}` });
  }
  return failures;
}

/** Names of outputs that the pipeline writes to, or may have written to where messages name the topics. */
function ownOutputs(config: GatewayConfig, pipeline: string, came: ReadonlyMap<string, unknown>): Iterable<string> {
  const settings = ownEntry(config.pipelines, pipeline);
  if (settings === undefined) return [];
  const { names, isOpen } = outputsOf(settings);
  if (!isOpen) return names;
  const read = topicsRead(settings)?.topics ?? [];
  const others = Object.entries(config.pipelines).flatMap(([other, its]) =>
    other === pipeline ? [] : [...outputsOf(its).names],
  );
  return new Set([...names, ...[...came.keys()].filter((name) => !read.includes(name) && !others.includes(name))]);
}

/** What became of messages that came to nothing: why an output is missing. */
function failedInputs({ locate }: PlacedTest, fed: readonly FedInput[]): Failure[] {
  return fed.flatMap(({ at, fed: { outcome, error } }) => {
    const sentence =
      outcome === 'failed'
        ? `this message failed: ${error === undefined ? 'no reason is known' : `${error.message} (${error.code})`}`
        : outcome === 'pending'
          ? 'this message is still in flight; let time go by: { after: 10s }'
          : undefined;
    if (sentence === undefined) return [];
    return [{ path: `input[${at}]`, place: locate(['input', at]), what: { sentence } }];
  });
}
