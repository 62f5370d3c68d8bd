import assert from 'node:assert/strict';
import { test } from 'node:test';
import { resourceLimit } from '../../../src/core/resource-limits.ts';

const limits = (files: string) => `Limit                     Soft Limit           Hard Limit           Units
Max file size             unlimited            unlimited            bytes
Max processes             96365                96365                processes
Max open files            ${files.padEnd(20)} 524288               files
Max locked memory         8388608              8388608              bytes
`;

test('a limit of the process is read by its name', () => {
  assert.equal(resourceLimit('Max open files', limits('1024')), 1_024);
  assert.equal(resourceLimit('Max locked memory', limits('1024')), 8_388_608);
});

test('without a limit, or where the system does not say, it is infinite', () => {
  for (const text of ['', limits('unlimited')])
    assert.equal(resourceLimit('Max open files', text), Number.POSITIVE_INFINITY);
  assert.equal(resourceLimit('Max file size', limits('1024')), Number.POSITIVE_INFINITY);
});
