import assert from 'node:assert/strict';
import { test } from 'node:test';
import { builtinRegistry } from '../../../src/config/index.ts';
import { tidegate, written } from '../../helpers/command-line.ts';

const PLUGIN = `
const config = { safeParse: (value) => ({ success: true, data: value }), _zod: { def: { type: 'any' } } };
export default { kind: 'processor', name: 'shout', summary: 'Makes \`text\` loud.', config, examples: [], create: () => ({}) };
`;

test('list prints every component below its kind, or those of one kind', async () => {
  const { status, stdout } = await tidegate('list');
  assert.equal(status, 0);
  const registry = builtinRegistry();
  for (const kind of ['source', 'processor', 'operator', 'sink', 'codec'] as const) {
    const block = stdout.split('\n\n').find((text) => text.startsWith(`${kind}s\n`));
    const names = block?.match(/(?<=^ {2})\w+/gm);
    assert.deepEqual(
      names,
      registry.all(kind).map(({ name }) => name),
    );
  }
  const codecs = (await tidegate('list', 'codecs')).stdout;
  assert.match(codecs, /^chat {8}Lines of text between members/m);
  assert.doesNotMatch(codecs, /websocket_client/);
});

test('list --json has kind, name and summary of each', async () => {
  const { stdout } = await tidegate('list', 'sinks', '--json');
  const sinks = JSON.parse(stdout) as { kind: string; name: string; summary: string }[];
  assert.deepEqual(
    sinks.map(({ kind, name }) => `${kind} ${name}`),
    builtinRegistry()
      .all('sink')
      .map(({ name }) => `sink ${name}`),
  );
  assert.ok(sinks.every(({ summary }) => summary.endsWith('.') && !summary.includes('`')));
});

test('list refuses a kind that there is not, and names those that there are', async () => {
  const { status, stderr } = await tidegate('list', 'topics');
  assert.equal(status, 1);
  assert.match(stderr, /Allowed choices are sources, processors, operators, sinks, codecs/);
});

test('list and show with --config know the plugins of a file, and say why one cannot be loaded', async (t) => {
  const file = await written(t, { 'gateway.yaml': 'plugins: [ ./shout.mjs ]\nlisteners: 5\n', 'shout.mjs': PLUGIN });
  assert.match((await tidegate('list', 'processors', '--config', file)).stdout, /^shout +Makes text loud\.$/m);
  assert.equal((await tidegate('show', 'shout')).status, 1);
  assert.match((await tidegate('show', 'shout', '--config', file)).stdout, /^processor shout\n {2}Makes text loud\.\n/);
  const broken = await written(t, { 'gateway.yaml': 'plugins: [ ./none.mjs ]\n' });
  const { status, stderr } = await tidegate('list', '--config', broken);
  assert.equal(status, 1);
  assert.match(stderr, /gateway\.yaml:1:12 {2}plugins\[0\] {2}the plugin \.\/none\.mjs cannot be loaded/);
});

test('show has settings with values and defaults, failures and examples, in lines of a terminal', async () => {
  const { status, stdout } = await tidegate('show', 'filter');
  assert.equal(status, 0);
  assert.match(stdout, /^processor filter\n {2}Lets a message pass where/);
  assert.match(stdout, /\n {2}keep {2}\(text; required\)\n {6}Kept where this is true/);
  assert.match(stdout, /\nA message fails:\n {2}- The expression fails\.\n/);
  assert.match(stdout, /\nExample: By a field\n {2}filter:\n {4}keep: .*\n {2}in : .*\n {2}out: nothing/);
  assert.ok(stdout.split('\n').every((line) => line.length <= 120));
  assert.doesNotMatch(stdout, /`|\]\(/);
});

test('show has all kinds that have the name, and a section of that name', async () => {
  assert.match((await tidegate('show', 'topic')).stdout, /^source topic\n[\s\S]*\nsink topic\n/);
  assert.match(
    (await tidegate('show', 'log')).stdout,
    /^processor log\n[\s\S]*\nsettings log\n[\s\S]* {2}log\.brokers {2}\(/,
  );
});

test('show has the settings of a path, with the names of entries or without', async () => {
  const { stdout } = await tidegate('show', 'pipelines.batch');
  assert.match(stdout, /^settings pipelines\.batch\n {2}pipelines\.NAME\.batch {2}\(settings\)/);
  assert.match(
    stdout,
    / {2}pipelines\.NAME\.batch\.count {2}\(whole number, at least 1; default 500\)\n {6}Most messages/,
  );
  assert.doesNotMatch(stdout, /in_flight/);
  const count = (await tidegate('show', 'pipelines.NAME.batch.count')).stdout;
  assert.equal(count.split('\n').filter((line) => line.startsWith('  pipelines')).length, 1);
});

test('show has the settings of an entry, where one entry may be written without its list', async () => {
  const { stdout } = await tidegate('show', 'websocket_client');
  for (const setting of ['prepare.http.url', 'prepare.http.max_bytes', 'prepare.as', 'heartbeat.reply.when'])
    assert.ok(stdout.includes(`\n  ${setting}  (`), setting);
  assert.ok(stdout.includes('\n  sequence.resubscribe.send  ('));
});

test('show says what may have been meant', async () => {
  const { status, stdout, stderr } = await tidegate('show', 'fliter');
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /there is no component and no setting "fliter"; did you mean "filter"\?/);
  assert.match((await tidegate('show', 'pipelines.bach')).stderr, /did you mean "pipelines\.batch"\?/);
});
