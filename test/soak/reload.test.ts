import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../helpers/gateway-process.ts';
import { mebibytes, residentBytes } from '../helpers/process-memory.ts';
import { ReloadRig } from '../helpers/reload-rig.ts';
import { REPEATED, reloadRound } from '../helpers/reload-rounds.ts';
import { countIds, readTopic } from '../helpers/topic-content.ts';
import { requireOwnKafka } from '../services/kafka.ts';

const RELOADS = Number(process.env.SOAK_RELOADS ?? 100);

test(`${RELOADS} reloads under load on Kafka lose no accepted message, no socket and no memory`, {
  timeout: 120_000 + RELOADS * 6_000,
}, async (t) => {
  const kafka = await requireOwnKafka(t);
  if (kafka === undefined) return;
  const rig = await ReloadRig.start(t, { KAFKA_BROKERS: kafka.brokers });
  await rig.load(4, 20);
  let done = await reloadRound(rig, 0);
  const first = { files: rig.openFiles, labels: (await rig.labels()).size };
  for (let round = 1; done < RELOADS; round += 1) done += await reloadRound(rig, round);
  assert.ok(done >= RELOADS && REPEATED > 0);
  await rig.finish();
  await until(
    () => rig.openFiles <= first.files + 5,
    20_000,
    () => `${rig.openFiles} open files after ${done} reloads, ${first.files} after the first ones`,
  );
  assert.equal((await rig.labels()).size, first.labels, 'series of removed parts are still there');
  const stored = countIds(await readTopic(kafka.brokers, 'messages'));
  await rig.assertUndisturbed(stored);
  await rig.assertCopied(stored, async () => countIds(await readTopic(kafka.brokers, 'copies')));
  const others = [...(await readTopic(kafka.brokers, 'moved'))];
  for (const { name } of rig.passing)
    if (name.startsWith('visitor-')) others.push(...(await readTopic(kafka.brokers, name.replace('visitor', 'extra'))));
  rig.assertClosed(countIds(others));
  t.diagnostic(`${done} reloads, ${rig.openFiles} files, ${mebibytes(residentBytes(rig.gateway.process.pid))} MiB`);
});
