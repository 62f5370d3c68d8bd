import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../src/core/clock.ts';
import type { Gap } from '../../../../src/core/log.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import {
  Collector,
  createAgain,
  laneOf,
  offsetsOf,
  records,
  store,
  texts,
} from '../../../../src/testing/contract/fixture.ts';
import { createEmbeddedLog } from '../../../../src/transports/embedded/index.ts';
import { temporary } from './parts.ts';

const make = (path: string, stats = createStats()) =>
  createEmbeddedLog({ path, stats, logger: createLogger({ level: 'silent' }), clock: systemClock });

test('a topic that was created again is known for another after the log was closed and opened', async (t) => {
  const directory = await temporary(t);
  const first = make(directory);
  await first.open();
  await first.admin.create({ name: 't', partitions: 1 });
  await store(laneOf(t, first, 't'), records(5));
  const reader = first.reader({ topics: ['t'], from: 'earliest' });
  await new Collector(reader.batches$).atLeast(5);
  const checkpoint = reader.checkpoint();
  await createAgain(first, 't');
  await store(laneOf(t, first, 't'), records(9));
  await first.close();

  const stats = createStats();
  const second = make(directory, stats);
  await second.open();
  t.after(() => second.close());
  const later = second.reader({ topics: ['t'], from: { checkpoint } });
  const gaps: Gap[] = [];
  later.gaps$.subscribe((gap) => gaps.push(gap));
  assert.deepEqual(offsetsOf(await new Collector(later.batches$).atLeast(9)), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 5, to: 0, recreated: true }]);
  assert.equal(stats.counter('tidegate_reader_recreated_partitions_total', { topic: 't' }).value, 1);
});

test('a send that meets the deletion of its topic goes to the one that was created again', async (t) => {
  const log = make(await temporary(t));
  await log.open();
  t.after(() => log.close());
  await log.admin.create({ name: 't', partitions: 2 });
  const lane = laneOf(t, log, 't');
  const changes = [log.admin.delete('t'), log.admin.create({ name: 't', partitions: 1 })];
  assert.deepEqual(await lane.send(records(4)), []);
  await Promise.all(changes);
  const reader = log.reader({ topics: ['t'], from: 'earliest' });
  t.after(() => reader.close());
  assert.deepEqual(texts(await new Collector(reader.batches$).atLeast(4)), ['0', '1', '2', '3']);
});

test('a topic that was created again twice while nothing was read is one gap, from where reading was', async (t) => {
  const log = make(await temporary(t));
  await log.open();
  t.after(() => log.close());
  await log.admin.create({ name: 't', partitions: 1 });
  await store(laneOf(t, log, 't'), records(5));
  const reader = log.reader({ topics: ['t'], from: 'earliest' });
  t.after(() => reader.close());
  const gaps: Gap[] = [];
  reader.gaps$.subscribe((gap) => gaps.push(gap));
  const collector = new Collector(reader.batches$);
  await collector.atLeast(5);
  reader.pause();
  await createAgain(log, 't');
  await createAgain(log, 't');
  await store(laneOf(t, log, 't'), records(3));
  reader.resume();
  await collector.atLeast(8);
  assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 5, to: 0, recreated: true }]);
});
