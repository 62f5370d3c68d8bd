import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { readCsv } from '../../../../src/pipelines/processors/lookup/csv.ts';
import { until } from '../../../helpers/gateway-process.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { lookupOf, mistakesIn } from './rig.ts';

async function tableOf(t: TestContext, content: string, { name = 'table.csv', ...file }: Record<string, unknown> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'lookup-'));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, String(name));
  writeFileSync(path, content);
  const clock = new HandClock();
  const key = path.endsWith('.csv') ? { key: 'id' } : {};
  const made = lookupOf({ key: '${! json.id }', file: { path, ...key, ...file }, into: 'found' }, clock);
  t.after(() => made.processor.close?.());
  const replace = (next: string) => {
    writeFileSync(`${path}.new`, next);
    renameSync(`${path}.new`, path);
  };
  /** Looks at the file again and again until something is so. */
  const look = (isSo: () => boolean | Promise<boolean>) =>
    until(
      async () => {
        clock.advance(10_000);
        await new Promise((resolve) => setTimeout(resolve, 5));
        return isSo();
      },
      30_000,
      () => 'it did not become so',
    );
  return { ...made, path, replace, look };
}

const find = (id: string) => `{"id":${JSON.stringify(id)}}`;

test('CSV with quotes, line breaks, CRLF and a byte order mark', async (t) => {
  const content = '\uFEFFid,name\r\n1,Ada\r\n"2","Bob ""B""\r\nBrown"\r\n\r\n__proto__,x\r\n';
  const { processor, process } = await tableOf(t, content);
  await processor.open?.();
  assert.equal(await process('{"id":1}'), '{"id":1,"found":{"id":"1","name":"Ada"}}');
  assert.equal(await process(find('2')), '{"id":"2","found":{"id":"2","name":"Bob \\"B\\"\\r\\nBrown"}}');
  assert.equal(await process(find('__proto__')), '{"id":"__proto__","found":{"id":"__proto__","name":"x"}}');
  assert.equal(await process(find('constructor')), '{"id":"constructor"}');
});

test('JSON: a list of objects with a key, or an object by its names; digits are kept', async (t) => {
  const list = await tableOf(t, '[{"id":12345678901234567890,"v":1.10}]', { name: 't.json', key: 'id' });
  await list.processor.open?.();
  assert.equal(
    await list.process('{"id":12345678901234567890}'),
    '{"id":12345678901234567890,"found":{"id":12345678901234567890,"v":1.10}}',
  );
  const object = await tableOf(t, '{"a":[1],"b":null}', { name: 't.json' });
  await object.processor.open?.();
  assert.equal(await object.process(find('a')), '{"id":"a","found":[1]}');
  assert.equal(await object.process(find('b')), '{"id":"b","found":null}');
});

test('a file that cannot be used is refused with what is wrong and where', async (t) => {
  const refusals: readonly (readonly [content: string, why: RegExp, settings?: object])[] = [
    ['', /its first line has to name the columns/],
    ['name,age\n1,2\n', /no column "id" for the key; its first line names name, age/],
    ['id,id\n', /names the column "id" twice/],
    ['id,v\n1,2\n3\n', /line 3 has 1 cells, and the first line names 2 columns/],
    ['id,v\n1,"2\n', /the quote that begins in the record of line 2 is never closed/],
    ['id,v\n1,"2"x\n', /line 2 has characters behind a closing quote/],
    ['id,v\n1,2\n1,3\n', /line 3: there is another entry with the key "1"/],
    ['id\n1\n2\n3\n', /more than file\.keys \(2\)/, { keys: 2 }],
    [`id\n${'x'.repeat(3_000)}\n`, /more than file\.bytes allows \(2048\)/, { bytes: '2KiB' }],
    ['{', /it is not JSON/, { name: 't.json' }],
    ['7', /neither a list nor an object/, { name: 't.json' }],
    ['[{"id":1}]', /say with file\.key which field/, { name: 't.json' }],
    ['[{"id":{}}]', /item 0: "id" is neither text nor a number/, { name: 't.json', key: 'id' }],
  ];
  for (const [content, message, settings] of refusals) {
    const { processor } = await tableOf(t, content, settings as Record<string, unknown>);
    await assert.rejects(Promise.resolve(processor.open?.()), { code: 'TG_FLOW_FAILED', message }, content);
  }
  const { processor, path } = await tableOf(t, 'id\n');
  rmSync(path);
  await assert.rejects(Promise.resolve(processor.open?.()), /the table .* cannot be read: ENOENT/);
});

test('a file that changes is read again; one that is broken or gone leaves the table and is reported once', async (t) => {
  const { processor, process, replace, look, lines, count, path } = await tableOf(t, 'id,v\n1,a\n');
  await processor.open?.();
  replace('id,v\n1,b\n2,c\n');
  await look(async () => (await process(find('1'))) === '{"id":"1","found":{"id":"1","v":"b"}}');
  replace('id,v\n1,"b\n');
  const warnings = () => lines.filter(({ level }) => level === 'warn').map(({ text }) => text);
  await look(() => warnings().length === 1);
  assert.match(warnings()[0] ?? '', /has changed and cannot be read, so the one before stays in use: the quote/);
  let looks = 0;
  await look(() => ++looks === 5);
  rmSync(path);
  await look(() => warnings().length === 2);
  assert.match(warnings()[1] ?? '', /ENOENT/);
  assert.equal(await process(find('2')), '{"id":"2","found":{"id":"2","v":"c"}}');
  writeFileSync(path, 'id,v\n2,d\n');
  await look(async () => (await process(find('2'))) === '{"id":"2","found":{"id":"2","v":"d"}}');
  assert.deepEqual(
    ['ok', 'failed'].map((result) => count('tidegate_lookup_reloads_total', { result })),
    [2, 2],
  );
});

test('mistakes in the settings say what to write', () => {
  const file = { path: 'x.csv', key: 'id' };
  assert.match(mistakesIn({ key: '${! json.a }' })[0] ?? '', /give one of topic, file and http/);
  assert.match(mistakesIn({ file })[0] ?? '', /file needs key, such as/);
  assert.match(mistakesIn({ key: 'k', file: { path: 'x.dat' } })[0] ?? '', /say with format what it is/);
  assert.match(mistakesIn({ key: 'k', file: { path: 'x.csv' } })[0] ?? '', /a CSV file needs key/);
  assert.match(mistakesIn({ key: 'k', file: { ...file, delimiter: ';;' } })[0] ?? '', /expected one character/);
  assert.match(mistakesIn({ key: 'k', file, on_miss: 'drop' })[0] ?? '', /expected keep, fail, filter or/);
  assert.match(mistakesIn({ key: 'k', file, on_miss: {} })[0] ?? '', /expected keep|says no value/);
  assert.match(mistakesIn({ key: 'k', http: { url: 'http://h/' } })[0] ?? '', /is for topic and file/);
});

test('CSV that was written is read as it was', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é') });
  fc.assert(
    fc.property(fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 6 }), (records) => {
      const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
      const text = records.map((cells) => `${cells.map(quoted).join(',')}\r\n`).join('');
      assert.deepEqual(
        [...readCsv(text, ',')].map(({ cells }) => cells),
        records,
      );
    }),
  );
});
