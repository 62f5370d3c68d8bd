import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRanges, rangeMistake } from '../../../src/core/address-ranges.ts';

test('addresses and ranges of both families are found, also an IPv4 address that came as IPv6', () => {
  const ranges = new AddressRanges(['10.0.0.0/8', '192.0.2.7', 'fd00::/8', '::1']);
  for (const address of ['10.1.2.3', '192.0.2.7', 'fd12::1', '::1', '::ffff:10.0.0.1', 'fd00::1%eth0'])
    assert.equal(ranges.has(address), true, address);
  for (const address of ['11.0.0.1', '192.0.2.8', 'fe00::1', '::2', '::ffff:11.0.0.1', 'localhost', ''])
    assert.equal(ranges.has(address), false, address);
  assert.equal(new AddressRanges([]).has('10.0.0.1'), false);
  assert.equal(new AddressRanges(['0.0.0.0/0']).has('198.51.100.1'), true);
});

test('what is not a range is refused, with what to write', () => {
  for (const text of ['10.0.0.0/8', '0.0.0.0/0', '::/0', 'fd00::/128', '192.0.2.7'])
    assert.equal(rangeMistake(text), undefined);
  for (const text of ['proxy.example.org', '10.0.0/8', '10.0.0.0/8/8', '', 'fe80::1%eth0', '[::1]', '10.0.0.1:80'])
    assert.match(rangeMistake(text) ?? '', /write one such as 10\.0\.0\.0\/8/, text);
  assert.match(rangeMistake('10.0.0.0/33') ?? '', /from 0 to 32/);
  assert.match(rangeMistake('fd00::/129') ?? '', /from 0 to 128/);
  assert.match(rangeMistake('10.0.0.0/') ?? '', /from 0 to 32/);
});
