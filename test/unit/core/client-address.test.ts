import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limitKeyOf, plainAddress } from '../../../src/core/client-address.ts';

test('an IPv4 client is counted by its address, also where it comes as IPv6', () => {
  assert.equal(limitKeyOf('192.0.2.1'), '192.0.2.1');
  assert.equal(limitKeyOf('::ffff:192.0.2.1'), '192.0.2.1');
});

test('an IPv6 client is counted by the first 64 bits, however they are written', () => {
  for (const [address, network] of [
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0db8::1', '2001:db8:0:0::/64'],
    // What stands for one group of zeros makes the third one; the fourth is written.
    ['2001:db8::5:6:7:8:9', '2001:db8:0:5::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])
    assert.equal(limitKeyOf(address ?? ''), network, address);
});

test('an address has one form, and what is not an address has none', () => {
  for (const [text, plain] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:c000:0201', '192.0.2.1'],
    ['2001:0DB8:0:0::0:1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['192.0.2.1:80', undefined],
    ['[::1]', undefined],
    ['192.0.2.256', undefined],
    ['', undefined],
  ])
    assert.equal(plainAddress(text ?? ''), plain, text);
});
