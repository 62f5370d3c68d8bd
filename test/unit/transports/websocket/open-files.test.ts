import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mostSockets } from '../../../../src/transports/websocket/open-files.ts';

const limits = (files: string) => `Limit                     Soft Limit           Hard Limit           Units
Max processes             96365                96365                processes
Max open files            ${files.padEnd(20)} 524288               files
Max locked memory         8388608              8388608              bytes
`;

test('most of the files that a process may open are for sockets, and some for everything else', () => {
  assert.deepEqual(
    ['1024', '524288', '200', '4'].map((files) => mostSockets(limits(files))),
    [896, 524_160, 100, 2],
  );
});

test('where the system does not say there is no limit', () => {
  assert.equal(mostSockets(''), Number.POSITIVE_INFINITY);
  assert.equal(mostSockets(limits('unlimited')), Number.POSITIVE_INFINITY);
});
