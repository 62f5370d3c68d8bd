import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import type { Gap } from '../../../../src/core/log.ts';
import { Message } from '../../../../src/core/message.ts';
import { createLogger } from '../../../../src/telemetry/logger.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { storeIn } from '../../../../src/transports/embedded/disk-storage.ts';
import { makeReadable } from '../../../../src/transports/embedded/file/before-opening.ts';
import { DataFile } from '../../../../src/transports/embedded/file/data-file.ts';
import { Environment } from '../../../../src/transports/embedded/file/environment.ts';
import { checkFile } from '../../../../src/transports/embedded/file/file-check.ts';
import { encodeBatches, outgoing } from '../../../../src/transports/embedded/records/batch-format.ts';
import { applyRetention } from '../../../../src/transports/embedded/records/retention.ts';
import {
  asVersion2,
  changePage,
  changeText,
  openLog,
  PAGE,
  readThrough,
  textOf,
  writtenLog,
} from '../../../helpers/embedded-damage.ts';
import { append, message, onePartition, readAll, temporary } from './parts.ts';

const WRONG_CHECKSUM = 'damaged: the checksum of the batch is wrong';
const LOST_PAGE = 'damaged: the page with the batch could not be read';

describe('a damaged batch', () => {
  test('is a gap with a reason for a reader, is counted, and all other records are delivered', async (t) => {
    const { directory, data } = await writtenLog(t);
    changeText(data, textOf(34));
    const stats = createStats();
    const log = openLog(directory, stats);
    await log.open();
    t.after(() => log.close());
    const { texts, gaps } = await readThrough(log);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 30, to: 40, reason: WRONG_CHECKSUM }]);
    assert.deepEqual(texts, [...range(0, 30), ...range(40, 100)].map(asText));
    assert.equal(stats.counter('tidegate_reader_gap_records_total', { topic: 't' }).value, 10);
  });

  test('does not stop a group: it joins once, gets what is behind, and commits it', async (t) => {
    const { directory, data } = await writtenLog(t);
    changeText(data, textOf(0));
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const member = log.group({ group: 'g', topics: ['t'], from: 'earliest' });
    const texts: string[] = [];
    const gaps: Gap[] = [];
    const events: string[] = [];
    member.gaps$.subscribe((gap) => gaps.push(gap));
    member.events$.subscribe(({ type }) => events.push(type));
    await new Promise<void>((resolve, reject) => {
      member.batches$.subscribe({
        next: ({ messages }) => {
          for (const one of messages) {
            texts.push(one.text);
            one.ack();
          }
          if (texts.length === 90) resolve();
        },
        error: reject,
      });
    });
    await member.leave();
    assert.deepEqual(events, ['joining', 'assigned', 'left']);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 0, to: 10, reason: WRONG_CHECKSUM }]);
    assert.deepEqual(texts, range(10, 100).map(asText));
    assert.deepEqual(await log.admin.committed('g', 't'), new Map([[0, 100]]));
  });

  test('at the end of a partition is a gap up to the end, and what is written then comes', async (t) => {
    const { directory, data } = await writtenLog(t);
    changeText(data, textOf(95));
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const lane = log.lane('t', { retrying() {}, recovered() {}, duplicatesPossible() {} });
    await lane.send([new Message(Buffer.from('new'))]);
    const { texts, gaps } = await readThrough(log);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 90, to: 100, reason: WRONG_CHECKSUM }]);
    assert.equal(texts.at(-1), 'new');
    assert.equal(texts.length, 91);
  });

  test('is left alone by compaction, which works on the others', async (t) => {
    const { directory, data } = await writtenLog(t, { topic: { name: 't', config: { 'cleanup.policy': 'compact' } } });
    changeText(data, textOf(34));
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const lane = log.lane('t', { retrying() {}, recovered() {}, duplicatesPossible() {} });
    // k35 is in the damaged batch: to write that anew without it would give it a right checksum.
    await lane.send(['k0', 'k35'].map((key) => new Message(Buffer.from('new'), { key })));
    await log.maintain();
    const { texts, gaps } = await readThrough(log);
    assert.deepEqual(gaps, [{ topic: 't', partition: 0, from: 30, to: 40, reason: WRONG_CHECKSUM }]);
    assert.deepEqual(texts, [...[...range(1, 30), ...range(40, 100)].map(asText), 'new', 'new']);
  });

  test('goes by retention with the batch behind it, whatever it says of its age', async (t) => {
    const store = storeIn(await temporary(t), false);
    t.after(() => store.close());
    const partition = await onePartition(store, { 'retention.ms': '1000' });
    for (const text of ['a', 'b', 'c']) await append(store, partition, [message(text, { timestamp: 5_000 })]);
    const [first] = store.records.batches(partition, 0);
    assert.ok(first !== undefined);
    const young = Buffer.from(first.value);
    young.writeDoubleLE(1e15, 13);
    await store.records.replace(partition, new Map([[0, young]]));
    const defaults = { retention_bytes: 1e9, retention_time: 1e9 };
    await applyRetention(store.records, partition, defaults, 5_500);
    assert.deepEqual([partition.start, [...store.records.batches(partition, 0)].length], [0, 3]);
    await applyRetention(store.records, partition, defaults, 7_000);
    assert.deepEqual([partition.start, [...store.records.batches(partition, 0)].length], [3, 0]);
  });

  test('is not what a search by time finds', async (t) => {
    const { directory, data } = await writtenLog(t);
    changeText(data, textOf(0));
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const reader = log.reader({ topics: ['t'], from: { timestamp: 1 } });
    await reader.live;
    assert.equal(reader.positions().get('t')?.get(0), 10);
    await reader.close();
  });

  test('that is missing is a gap, too: at the beginning, in between and at the end', async (t) => {
    const { directory } = await writtenLog(t);
    const store = storeIn(directory, false);
    const partition = store.topics.get('t')?.partitions[0];
    assert.ok(partition !== undefined);
    await store.records.replace(partition, new Map([0, 50, 60, 90].map((base) => [base, null])));
    await store.close();
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const { texts, gaps } = await readThrough(log);
    assert.deepEqual(
      gaps.map(({ from, to, reason }) => [from, to, reason]),
      [
        [0, 10, 'damaged: the batch is missing'],
        [50, 70, 'damaged: the batch is missing'],
        [90, 100, 'damaged: the batch is missing'],
      ],
    );
    assert.equal(texts.length, 60);
  });
});

describe('batches of a version without checksums', () => {
  test('are read as before', async (t) => {
    const store = storeIn(await temporary(t), false);
    t.after(() => store.close());
    const partition = await onePartition(store);
    const batches = ['a', 'b'].flatMap((text) => encodeBatches([outgoing(message(text, { key: text }), 9)]));
    const old = batches.map(({ value, records }) => ({ value: asVersion2(value), records }));
    await store.records.append([{ partition, batches: old }]);
    assert.deepEqual(
      readAll(store, partition).map(({ text, offset, key }) => [text, offset, key?.toString()]),
      [
        ['a', 0, 'a'],
        ['b', 1, 'b'],
      ],
    );
  });
});

describe('a batch without a checksum', () => {
  test('that claims to cover more offsets than there are does not make reading begin anew', async (t) => {
    const store = storeIn(await temporary(t), false);
    t.after(() => store.close());
    const partition = await onePartition(store);
    const [batch] = encodeBatches([outgoing(message('a'), 9)]);
    assert.ok(batch !== undefined);
    const value = asVersion2(batch.value);
    value.writeUInt32LE(1_000, 5);
    await store.records.append([{ partition, batches: [{ value, records: 1 }] }]);
    const limits = { records: 10, bytes: 1_000 };
    assert.equal(store.records.read(partition, 0, limits).next, 1);
  });
});

describe("the log's file", () => {
  test('loses a page with batches: they are a gap, the page is kept, and the next start finds nothing wrong', async (t) => {
    const { directory, data } = await writtenLog(t, { records: 60, each: 1, size: 200 });
    changePage(data, textOf(30, 200), (page) => page.fill(0));
    for (const start of ['first', 'second']) {
      const log = openLog(directory);
      await log.open();
      const { texts, gaps } = await readThrough(log);
      await log.close();
      assert.deepEqual(
        gaps.map(({ reason }) => reason),
        [LOST_PAGE],
        start,
      );
      const missing = range(gaps[0]?.from ?? 0, gaps[0]?.to ?? 0);
      assert.ok(missing.includes(30) && missing.length < 30, `${missing}`);
      assert.deepEqual(
        texts,
        range(0, 60)
          .filter((one) => !missing.includes(one))
          .map((one) => textOf(one, 200)),
      );
    }
    const kept = readFileSync(data).length / PAGE;
    assert.ok(range(0, kept).some((page) => existsSync(path.join(directory, `damaged-page-${page}`))));
  });

  test('loses the first page with batches: they are a gap, too', async (t) => {
    const { directory, data } = await writtenLog(t, { records: 60, each: 1, size: 200 });
    changePage(data, textOf(0, 200), (page) => page.fill(0xee));
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const { texts, gaps } = await readThrough(log);
    assert.equal(gaps[0]?.from, 0);
    assert.equal(texts.length + (gaps[0]?.to ?? 0), 60);
  });

  for (const [what, change] of [
    ['is no file of LMDB', (file: string) => writeFileSync(file, 'once upon a time'.repeat(1_000))],
    ['is cut in the middle', (file: string) => truncateSync(file, PAGE * 4)],
    ['is cut to less than a page', (file: string) => truncateSync(file, 100)],
    ['is cut to 0', (file: string) => truncateSync(file, 0)],
    ['is gone', (file: string) => rmSync(file)],
    ['has another magic number', (file: string) => patchMetas(file, (meta) => meta.writeUInt32LE(0, 24))],
    ['has meta pages of another version', (file: string) => patchMetas(file, (meta) => meta.writeUInt32LE(7, 28))],
    ['has a root that is not in it', (file: string) => patchMetas(file, (meta) => meta.writeUInt32LE(9_999_999, 136))],
    ['gave out fewer pages than it uses', (file: string) => patchMetas(file, (meta) => meta.writeUInt32LE(3, 144))],
  ] as const) {
    test(`${what}: the log is not opened, and the error says why`, async (t) => {
      const { directory, data } = await writtenLog(t);
      change(data);
      const log = openLog(directory);
      await assert.rejects(log.open(), (error) => {
        assert.ok(error instanceof TidegateError);
        assert.equal(error.code, 'TG_DATA_DIR_UNUSABLE');
        assert.match(error.message, /data\.mdb is (damaged: |missing or empty, )/);
        assert.ok(error.message.includes(directory));
        return true;
      });
    });
  }

  test('ends in front of a large value: its page is lost, and LMDB is not led out of the file', async (t) => {
    const { directory, data } = await writtenLog(t, { records: 100, each: 100, size: 300 });
    patchMetas(data, (meta) => meta.writeUInt32LE(99_999, 144));
    moveValue(data, 90_000);
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const { texts, gaps } = await readThrough(log);
    assert.deepEqual(texts, []);
    assert.deepEqual(
      gaps.map(({ from, to }) => [from, to]),
      [[0, 100]],
    );
  });

  for (const [what, change] of [
    ['is cut to 0', (file: string) => truncateSync(file, 0)],
    ['is gone', (file: string) => rmSync(file)],
    ['is cut to 0 and alone', (file: string) => [truncateSync(file, 0), rmSync(beside(file, 'lock.mdb'))]],
  ] as const) {
    test(`${what}, in a directory of a version without a marker: the log is not opened`, async (t) => {
      const { directory, data } = await writtenLog(t);
      rmSync(beside(data, 'log.json'));
      change(data);
      for (const start of ['first', 'second'])
        await assert.rejects(
          openLog(directory).open(),
          {
            code: 'TG_DATA_DIR_UNUSABLE',
            message: /data\.mdb is missing or empty, and .* Restore data\.mdb .* or move the directory away/,
          },
          start,
        );
    });
  }

  test('is begun anew where the start that began it was killed', async (t) => {
    const directory = await temporary(t);
    makeReadable(directory, createLogger({ level: 'silent' }));
    for (const name of ['data.mdb', 'lock.mdb']) writeFileSync(path.join(directory, name), '');
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    assert.deepEqual([...(await log.admin.topics())], []);
    assert.equal(existsSync(path.join(directory, 'log.begins')), false);
  });

  test('of a later version is refused', async (t) => {
    const { directory } = await writtenLog(t);
    writeFileSync(path.join(directory, 'log.json'), '{"format":99}');
    await assert.rejects(openLog(directory).open(), /written by a later version \(format 99; this one reads 3\)/);
  });

  test('has a list of free pages that names one in use: nothing is written over', async (t) => {
    const { directory, data } = await writtenLog(t, { records: 60, each: 1, size: 200 });
    nameUsedPageFree(data);
    const log = openLog(directory);
    await log.open();
    t.after(() => log.close());
    const lane = log.lane('t', { retrying() {}, recovered() {}, duplicatesPossible() {} });
    for (let from = 60; from < 90; from += 1) await lane.send([new Message(Buffer.from(textOf(from, 200)))]);
    const { texts, gaps } = await readThrough(log);
    assert.deepEqual(gaps, []);
    assert.deepEqual(
      texts,
      range(0, 90).map((one) => textOf(one, 200)),
    );
  });

  test('has marks that end in front of a batch: it is refused, as records would be written over', async (t) => {
    const { directory } = await writtenLog(t);
    const environment = new Environment(directory, false);
    await environment.transact(() => environment.batches.putSync([1, 0, 140], Buffer.from('late')));
    await environment.close();
    await assert.rejects(openLog(directory).open(), /t\/0 ends at 100, but has a batch at 140/);
  });
});

function beside(file: string, name: string): string {
  return path.join(path.dirname(file), name);
}

function patchMetas(file: string, change: (meta: Buffer) => void): void {
  const content = readFileSync(file);
  change(content.subarray(0, PAGE));
  change(content.subarray(PAGE, 2 * PAGE));
  writeFileSync(file, content);
}

/** Says of the only value that has pages of its own that they begin elsewhere. */
function moveValue(name: string, to: number): void {
  const file = new DataFile(name, 'read');
  const places: { first: number; count: number }[] = [];
  checkFile(file, ({ pages }) => {
    if (pages !== undefined) places.push(pages);
  });
  file.close();
  const [place] = places;
  assert.ok(place !== undefined);
  const content = readFileSync(name);
  for (let at = 0; at + 24 <= content.length; at += 1) {
    const isPlace =
      content.readBigUInt64LE(at) === BigInt(place.first) && content.readBigUInt64LE(at + 16) === BigInt(place.count);
    if (isPlace) content.writeBigUInt64LE(BigInt(to), at);
  }
  writeFileSync(name, content);
}

/** Makes the first page in the list of free pages the root of the tables, which is in use. */
function nameUsedPageFree(name: string): void {
  const file = new DataFile(name, 'repair');
  const { free, main } = file.meta;
  assert.ok(free.root !== undefined && main.root !== undefined);
  const page = file.page(free.root);
  // Where the first node is; it has a header, a key, and the number of pages in front of the first.
  const at = page.readUInt16LE(24) + 24 + 8 + 8 + 8;
  page.writeBigUInt64LE(BigInt(main.root), at);
  file.write(free.root, page);
  file.close();
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, at) => from + at);
}

function asText(record: number): string {
  return textOf(record);
}
