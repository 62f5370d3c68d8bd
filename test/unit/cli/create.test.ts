import assert from 'node:assert/strict';
import { test } from 'node:test';
import { configOf } from '../../../src/cli/create/configuration.ts';
import { builtinRegistry, loadConfig } from '../../../src/config/index.ts';
import { tidegate } from '../../helpers/command-line.ts';

const REGISTRY = builtinRegistry();
const PROCESSORS = REGISTRY.all('processor').map(({ name }) => name);
const OPERATORS = REGISTRY.all('operator').map(({ name }) => name);

async function doubtsOf(text: string): Promise<string[]> {
  const options = { env: {}, production: null, strict: true, advice: true };
  const { warnings } = await loadConfig({ text, name: 'gateway.yaml' }, options);
  return warnings.filter(({ severity }) => severity === 'warning').map(({ message }) => message);
}

test('every source, processor, operator and sink makes a configuration that passes lint --strict', async () => {
  const flows = [
    ...['topic', 'generate', 'websocket+feed', 'topic+topic', 'websocket+topic'].map((source) => `${source}->topic`),
    ...REGISTRY.all('sink').flatMap(({ name }) => [`websocket->${name}`, `topic->${name}`]),
    ...PROCESSORS.map((name) => `websocket->${name}->topic`),
    ...OPERATORS.flatMap((name) => [`websocket->${name}->topic`, `topic->${name}->topic`, `feed->${name}->endpoint`]),
  ];
  // `configOf` itself refuses what lint would warn of.
  for (const flow of flows) assert.match(await configOf(flow), /^pipelines:$/m, flow);
  for (const flow of ['websocket->filter->topic', 'feed->window->endpoint'])
    assert.deepEqual(await doubtsOf(await configOf(flow)), [], flow);
});

test('create prints the configuration with comments, and its topics, ports and paths', async () => {
  const { status, stdout, stderr } = await tidegate('create', 'websocket->filter->mask->topic');
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^# Made by: tidegate create 'websocket->filter->mask->topic'\n/);
  assert.match(stdout, /\n {2}topics:\n {4}output: \{ partitions: 3 \}\n/);
  assert.match(stdout, /\n {2}clients:\n {4}listener: public\n {4}path: \/ws\n/);
  assert.match(stdout, / {6}# Lets a message pass where .*\n {6}- filter:\n[\s\S]*\n {6}- mask:\n/);
  assert.match(stdout, / {4}sink:\n {6}# A topic of the log; .*\n {6}topic:\n {8}name: output\n$/);
});

test('what keeps messages gets topics on both sides, where its state can be read again', async () => {
  const { config } = await loadConfig(
    { text: await configOf('websocket->window->websocket'), name: 'gateway.yaml' },
    { env: {}, production: null },
  );
  assert.deepEqual(Object.keys(config.pipelines), ['receive', 'work', 'deliver']);
  assert.deepEqual(Object.keys(config.log.topics), ['received', 'results']);
});

test('clients that only receive are said so, and several sources are a list', async () => {
  assert.match(await configOf('topic->websocket'), /direction: out/);
  assert.doesNotMatch(await configOf('websocket->websocket'), /direction: out/);
  assert.match(
    await configOf('websocket+feed->topic'),
    /source:\n {6}# .*\n {6}- endpoint: clients\n {6}# .*\n {6}- websocket/,
  );
});

test('words that are unknown or do not go together are refused with those that are known', async () => {
  const said = async (flow: string) => {
    const { status, stdout, stderr } = await tidegate('create', flow);
    assert.deepEqual([status, stdout], [1, '']);
    return stderr;
  };
  assert.match(
    await said('websoket->topic'),
    /no source "websoket"; did you mean "websocket"\?; there are endpoint, feed, /,
  );
  assert.match(
    await said('topic->fliter->topic'),
    /no processor or operator "fliter"; did you mean "filter"\?; there are col/,
  );
  assert.match(
    await said('topic->window->join->topic'),
    /"topic->window->join->topic" cannot be: a pipeline has one operator/,
  );
  assert.match(await said('topic->generate'), /there is no sink "generate"; there are all, drop, endpoint, feed/);
  for (const flow of ['topic', 'topic->->topic'])
    assert.match(await said(flow), /is not a flow; write SOURCE->SINK, or .* such as 'websocket->filter->topic'/);
});
