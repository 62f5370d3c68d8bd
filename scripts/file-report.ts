import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { Transform } from 'node:stream';
import type { TestEvent } from 'node:test/reporters';

const SHOWN = 10;

const seconds = new Map<string, number>();

/**
 * A reporter that names the files whose tests took longest, and adds those with a failed test to the file FAILED_FILES, a
 * line each. What a file takes to load is not in it. It is a stream and no generator, and writes at the last diagnostic: a
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
      }
    }
    const isLast = event.type === 'test:diagnostic' && event.data.message.startsWith('duration_ms ');
    done(null, isLast ? listed() : undefined);
  },
});

function noteFailed(file: string): void {
  const list = process.env.FAILED_FILES;
  if (list !== undefined) appendFileSync(list, `${relative('', file)}\n`);
}

function listed(): string {
  const files = [...seconds].sort(([, one], [, other]) => other - one).slice(0, SHOWN);
  const lines = files.map(([file, time]) => `${time.toFixed(1).padStart(7)} s  ${relative('', file)}\n`);
  return `longest of ${seconds.size} files:\n${lines.join('')}`;
}
