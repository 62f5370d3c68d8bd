import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TidegateError } from '../../src/core/errors.ts';
import { Message } from '../../src/core/message.ts';
import { openLog, PAGE, readThrough, textOf, writtenLog } from '../helpers/embedded-damage.ts';

/** Of each kind of log; SOAK_ATTACKS sets another number. */
const ATTACKS = Number(process.env.SOAK_ATTACKS ?? 100);
const RECORDS = 2_000;
const IN_CHILD = 'DAMAGED_LOG';
/** Length of a text, and records of a batch: values in leaves, and values in pages of their own. */
const KINDS = [
  { size: 200, each: 1 },
  { size: 300, each: 100 },
] as const;

const directory = process.env[IN_CHILD];
if (directory !== undefined) await readAndWrite(directory, Number(process.env.SIZE));
else
  for (const kind of KINDS)
    test(`${ATTACKS} logs damaged at random are refused, or read without the damage (${kind.size} bytes)`, async (t) => {
      const whole = await writtenLog(t, { records: RECORDS, ...kind });
      for (let attack = 0; attack < ATTACKS; attack += 1) {
        const copy = await mkdtemp(path.join(tmpdir(), 'tidegate-attack-'));
        cpSync(whole.directory, copy, { recursive: true });
        const what = damage(path.join(copy, 'data.mdb'));
        const child = spawn(process.execPath, [...process.execArgv, fileURLToPath(import.meta.url)], {
          env: { ...process.env, NODE_TEST_CONTEXT: undefined, [IN_CHILD]: copy, SIZE: String(kind.size) },
          stdio: ['ignore', 'inherit', 'pipe'],
        });
        let stderr = '';
        child.stderr.setEncoding('utf8').on('data', (text) => {
          stderr += text;
        });
        const [code, signal] = await once(child, 'close');
        assert.deepEqual([code, signal], [0, null], `${what} (${copy}): ${stderr}`);
        await rm(copy, { recursive: true });
      }
    });

/** A process of its own: what LMDB cannot read ends it by a signal. */
async function readAndWrite(from: string, size: number): Promise<void> {
  const log = openLog(from);
  try {
    await log.open();
  } catch (error) {
    assert.ok(error instanceof TidegateError && error.code === 'TG_DATA_DIR_UNUSABLE', String(error));
    return;
  }
  const { texts, gaps } = await readThrough(log);
  const missing = new Set(gaps.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, at) => from + at)));
  const expected = Array.from({ length: RECORDS }, (_, at) => at).filter((at) => !missing.has(at));
  assert.deepEqual(
    texts,
    expected.map((at) => textOf(at, size)),
  );
  const lane = log.lane('t', { retrying: assert.ifError, recovered() {}, duplicatesPossible() {} });
  for (let send = 0; send < 20; send += 1) await lane.send([new Message(Buffer.alloc(5_000))]);
  await log.maintain();
  await log.close();
}

/** Says what it did. */
function damage(file: string): string {
  const content = readFileSync(file);
  const page = randomInt(content.length / PAGE) * PAGE;
  const anywhere = randomInt(content.length - PAGE);
  const other = randomInt(content.length / PAGE) * PAGE;
  const ways: (() => string)[] = [
    () => `zeros at ${content.fill(0, page, page + PAGE) && page}`,
    () => `noise at ${randomBytes(PAGE).copy(content, page) && page}`,
    () => `noise across pages at ${randomBytes(PAGE).copy(content, anywhere) && anywhere}`,
    () => `40 bytes at ${randomBytes(40).copy(content, anywhere) && anywhere}`,
    () => `page ${other} at ${content.copy(content, page, other, other + PAGE) && page}`,
  ];
  const way = randomInt(ways.length + 1);
  const said = ways[way]?.() ?? `cut at ${anywhere}`;
  writeFileSync(file, content);
  if (way === ways.length) truncateSync(file, anywhere);
  return said;
}
