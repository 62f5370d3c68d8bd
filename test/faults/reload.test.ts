import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { idsInEmbedded } from '../helpers/embedded-content.ts';
import { until } from '../helpers/gateway-process.ts';
import { ReloadRig } from '../helpers/reload-rig.ts';
import { REPEATED, reloadRound } from '../helpers/reload-rounds.ts';
import { countIds, readTopic } from '../helpers/topic-content.ts';
import { requireOwnKafka } from '../services/kafka.ts';

/* On Kafka: test/soak/reload. */
test('reloads of every kind under load cost no accepted message and no socket, on the embedded log', async (t) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidegate-'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const rig = await ReloadRig.start(t, { KAFKA_DRIVER: 'embedded' }, dataDir);
  await rig.load(4, 20);
  assert.equal(await reloadRound(rig, 0), REPEATED);
  await rig.finish();
  const { steady, passing } = rig;
  const acked = steady.reduce((sum, { acked }) => sum + acked.size, 0);
  await rig.assertUndisturbed(new Map(steady.flatMap(({ acked }) => [...acked].map((id) => [id, 1] as const))));
  await until(
    async () =>
      !/tidegate_consumer_lag\{[^}]*group="copiers"[^}]*\} [1-9]/.test((await rig.gateway.get('/metrics')).body),
    30_000,
    () => 'the group does not catch up',
  );
  assert.equal(await rig.gateway.stop(), 0);
  const stored = await idsInEmbedded(dataDir, 'messages');
  await rig.assertCopied(stored, () => idsInEmbedded(dataDir, 'copies'));
  assert.equal(stored.size, acked);
  assert.ok([...stored.values()].every((times) => times === 1));
  const others = new Map([...(await idsInEmbedded(dataDir, 'extra-0')), ...(await idsInEmbedded(dataDir, 'moved'))]);
  rig.assertClosed(others);
  assert.equal(passing.length, 2);
});

test('while Kafka is away limits change at once, and pipelines when it is back', async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const rig = await ReloadRig.start(t, { KAFKA_BROKERS: kafka.brokers });
  await rig.load(2, 20);
  kafka.pause();
  await until(
    async () => (await rig.gateway.get('/ready')).status === 503,
    60_000,
    () => 'the gateway has not noticed',
  );
  const away = await rig.reload({ maxConnections: 40, count: 30, extra: 'later' });
  assert.equal(away.result, 'applied', JSON.stringify(away));
  assert.deepEqual(away.waiting.toSorted(), [
    'pipelines.later-in waits for the log',
    'pipelines.steady-in waits for the log',
  ]);
  const again = await rig.reload({ maxConnections: 40, count: 31, extra: 'later' });
  assert.deepEqual(again.waiting, ['pipelines.steady-in waits for the log']);
  assert.doesNotMatch(rig.gateway.output(), /the log is back/);
  kafka.resume();
  await rig.gateway.ready();
  await until(
    () => /the log is back: what waited for it is changed now/.test(rig.gateway.output()),
    30_000,
    rig.gateway.output,
  );
  await rig.pass('late', '/later');
  await rig.continues(50);
  await rig.finish();
  await rig.assertUndisturbed(countIds(await readTopic(kafka.brokers, 'messages')));
  rig.assertClosed(countIds(await readTopic(kafka.brokers, 'later')));
});
