import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { Transform } from 'node:stream';
import type { TestEvent } from 'node:test/reporters';
import { filesOfEntry, sourceOf } from './test-groups.ts';

const seconds = new Map<string, number>();
/** Lines about processes that ended before all of their tests. */
const broken: string[] = [];

/**
 * A reporter that adds how long the tests of each file took to the file FILE_TIMES, as `SECONDS FILE`, and those with a failed
 * test to the file FAILED_FILES, a line each. What a file takes to load is not in it. It is a stream and no generator, and writes at the last diagnostic: a
 * run with --test-force-exit waits for neither generators nor the end.
 */
export default new Transform({
  writableObjectMode: true,
  transform(event: TestEvent, _encoding, done) {
    if (event.type === 'test:pass' || event.type === 'test:fail') {
      const { file, nesting, details } = event.data;
      if (nesting === 0 && file !== undefined) {
        seconds.set(file, (seconds.get(file) ?? 0) + details.duration_ms / 1_000);
        if (event.type === 'test:fail') noteFailed(file);
        if (filesOfEntry(file).length > 0) noteBroken(file);
      }
    }
    const isLast = event.type === 'test:diagnostic' && event.data.message.startsWith('duration_ms ');
    if (isLast) noteTimes();
    done(null, isLast ? broken.join('') : undefined);
  },
});

function noteFailed(file: string): void {
  const list = process.env.FAILED_FILES;
  if (list !== undefined) appendFileSync(list, `${relative('', file)}\n`);
}

/**
 * A process of several files that ends too early is reported under the name of its entry. Its files run in their order, so
 * it ended in the last file with a result or in one of those without.
 */
function noteBroken(entry: string): void {
  seconds.delete(entry);
  const reported = new Set([...seconds.keys()].map(sourceOf));
  const files = filesOfEntry(entry).map(sourceOf);
  const next = files.findLastIndex((file) => reported.has(file)) + 1;
  if (next === files.length) {
    broken.push(`a process failed behind the last test of ${files.join(', ')}\n`);
    return;
  }
  const last = next === 0 ? '' : `, behind the last one of ${files[next - 1]}`;
  broken.push(`a process ended without a result of ${files.slice(next).join(', ')}${last}\n`);
}

function noteTimes(): void {
  const list = process.env.FILE_TIMES;
  if (list === undefined) return;
  const lines = [...seconds].map(([file, time]) => `${time.toFixed(3)} ${relative('', file)}\n`);
  appendFileSync(list, lines.join(''));
}
