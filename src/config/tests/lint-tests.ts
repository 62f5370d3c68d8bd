import { ownEntry } from '../../core/own-entry.ts';
import { lintHold } from '../lint/lint-hold.ts';
import { labelsOf } from '../lint/lint-labels.ts';
import { type Finding, failing, type Path } from '../problem/problem.ts';
import { didYouMean, listNames } from '../problem/suggest.ts';
import type { FaultStep } from '../schema/forall-schema.ts';
import type { GatewayConfig } from '../schema/schema.ts';
import { outputsBehind, topicsRead } from './known-outputs.ts';
import { lintSteps } from './lint-steps.ts';
import type { GivenMessage } from './message-schema.ts';
import { missing } from './missing-name.ts';
import { isEndpointTest, type PipelineTest, type TestCase } from './tests-schema.ts';

/** What tests say that does not go together with the rest of the file. Paths begin with `tests`. */
export function lintTests(tests: readonly TestCase[], config: GatewayConfig): Finding[] {
  return [
    ...repeatedNames(tests),
    ...tests.flatMap((test, at) => {
      const path = ['tests', at];
      const own = isEndpointTest(test) ? lintSteps(test, config, path) : lintPipelineTest(test, config, path);
      return [...own, ...lintMocks(test, config, path)];
    }),
  ];
}

function repeatedNames(tests: readonly TestCase[]): Finding[] {
  const first = new Map<string, number>();
  return tests.flatMap(({ name }, at) => {
    const other = first.get(name);
    if (other === undefined) first.set(name, at);
    return other === undefined
      ? []
      : [failing(['tests', at, 'name'], `tests[${other}] has this name, too; give each test a name of its own`)];
  });
}

function lintPipelineTest(test: PipelineTest, config: GatewayConfig, path: Path): Finding[] {
  const { pipeline: name, input = [], output = {}, hold } = test;
  const pipeline = ownEntry(config.pipelines, name);
  if (pipeline === undefined) return [missing('pipeline', name, Object.keys(config.pipelines), [...path, 'pipeline'])];
  const { names, isOpen } = outputsBehind(name, config);
  const strangers = isOpen ? [] : Object.keys(output).filter((one) => !names.has(one));
  const read = topicsRead(pipeline);
  return [
    ...(hold === undefined ? [] : lintHold({ faults: faultsOf(test), hold, pipeline }, [...path, 'hold'])),
    ...strangers.map((one) => neverWritten(one, name, names, [...path, 'output', one])),
    ...input.flatMap((step, at) =>
      'after' in step || 'fault' in step ? [] : wrongPlace(step, name, read, [...path, 'input', at]),
    ),
  ];
}

/** What goes wrong in it, and what may. */
function faultsOf({ input = [], forall }: PipelineTest): FaultStep[] {
  return [...input.flatMap((step) => ('fault' in step ? [step.fault] : [])), ...(forall?.faults ?? [])];
}

function neverWritten(output: string, pipeline: string, names: ReadonlySet<string>, path: Path): Finding {
  const there = names.size === 0 ? 'it writes nothing that a test can see' : `messages of it go to ${listNames(names)}`;
  return failing(path, `pipelines.${pipeline} never writes to "${output}"; ${there}${didYouMean(output, names)}`, {
    at: 'key',
  });
}

function wrongPlace(
  { topic, meta }: GivenMessage,
  pipeline: string,
  read: ReturnType<typeof topicsRead>,
  path: Path,
): Finding[] {
  const source = `the source of pipelines.${pipeline}`;
  const at = [...path, 'topic'];
  if (read === undefined) return topic === undefined ? [] : [failing(at, `${source} reads no topic; leave it out`)];
  if (meta !== undefined)
    return [failing([...path, 'meta'], `${source} is a topic, whose records have no meta of a client; leave it out`)];
  const { topics, hasPatterns } = read;
  const names = hasPatterns ? 'topics by a pattern' : listNames(new Set(topics));
  if (topic === undefined)
    return topics.length === 1 && !hasPatterns ? [] : [failing(at, `is missing: the source reads ${names}; say which`)];
  if (hasPatterns || topics.includes(topic)) return [];
  return [failing(at, `${source} does not read "${topic}"; it reads ${names}${didYouMean(topic, topics)}`)];
}

function lintMocks({ mocks }: TestCase, config: GatewayConfig, path: Path): Finding[] {
  const labels = labelsOf(config);
  return Object.keys(mocks).flatMap((label) => {
    const at = [...path, 'mocks', label];
    const labelled = labels.get(label);
    if (labelled?.kind === 'operator')
      return [failing(at, `"${label}" is an operator, and only processors can be mocked`, { at: 'key' })];
    if (labelled !== undefined) return [];
    const finding = missing('label', label, labels.keys(), at);
    const advice = labels.size === 0 ? '; add label: NAME beside a processor' : '';
    return [{ ...finding, at: 'key' as const, message: `${finding.message}${advice}` }];
  });
}
