import { Transform } from 'node:stream';
import type { TestEvent } from 'node:test/reporters';

/** A reporter that says nothing and ends the process with the first test that fails. */
export default new Transform({
  writableObjectMode: true,
  transform(event: TestEvent, _encoding, done) {
    if (event.type === 'test:fail' && event.data.todo === undefined) process.exit(1);
    done();
  },
});
