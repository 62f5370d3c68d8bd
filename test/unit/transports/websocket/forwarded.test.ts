import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AddressRanges } from '../../../../src/core/address-ranges.ts';
import { clientAddress } from '../../../../src/transports/websocket/forwarded.ts';

const TRUSTED = new AddressRanges(['10.0.0.0/8', 'fd00::/8']);
const PEER = '10.0.0.1';

const byList = (list: string, peer = PEER) => clientAddress(peer, { 'x-forwarded-for': list }, TRUSTED);
const byForwarded = (forwarded: string, peer = PEER) => clientAddress(peer, { forwarded }, TRUSTED);

test('headers of a peer that is not a trusted proxy say nothing', () => {
  assert.equal(byList('192.0.2.1', '198.51.100.7'), '198.51.100.7');
  assert.equal(byForwarded('for=192.0.2.1', '198.51.100.7'), '198.51.100.7');
  assert.equal(clientAddress(PEER, { 'x-forwarded-for': '192.0.2.1' }, new AddressRanges([])), PEER);
});

test('the last address that is not a trusted proxy counts, whatever is in front of it', () => {
  for (const [list, client] of [
    ['192.0.2.1', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1', '192.0.2.1'],
    ['nonsense, 192.0.2.1', '192.0.2.1'],
    ['203.0.113.9, 192.0.2.1, 10.2.3.4, fd00::7', '192.0.2.1'],
    ['10.9.9.9,10.2.3.4', '10.9.9.9'],
    ['192.0.2.1:51234', '192.0.2.1'],
    ['[2001:DB8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:db8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['"192.0.2.1"', '192.0.2.1'],
  ] as const)
    assert.equal(byList(list), client, list);
});

test('where the place of the client holds something else, the peer counts', () => {
  for (const list of [
    '',
    'unknown',
    '192.0.2.1,',
    '192.0.2.1, nonsense',
    '192.0.2.999',
    'unknown, 10.0.0.2',
    '[192.0.2.1]',
  ])
    assert.equal(byList(list), PEER, list);
});

test('Forwarded is read as RFC 7239 has it: quotes, other parameters, any case', () => {
  for (const [header, client] of [
    ['for=192.0.2.43', '192.0.2.43'],
    ['For="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for=192.0.2.60;proto=http;by=203.0.113.43', '192.0.2.60'],
    ['for=203.0.113.9, for=192.0.2.43', '192.0.2.43'],
    ['proto=https ; for="192.0.2.1:_port" , for=10.0.0.9', '192.0.2.1'],
    ['for="192.0.2.\\1"', '192.0.2.1'],
    ['by="a,for=203.0.113.9;b";for=192.0.2.1', '192.0.2.1'],
  ] as const)
    assert.equal(byForwarded(header), client, header);
  for (const header of [
    ...['for=unknown', 'for=_hidden', 'proto=http', 'for=2001:db8::1', 'for="[2001:db8::1"', ''],
    ...['for=192.0.2.1, for="open', 'for=192.0.2.1;', 'for=203.0.113.9;for=192.0.2.1', 'for = 192.0.2.1'],
  ])
    assert.equal(byForwarded(header), PEER, header);
});

test('a header that the proxy passes on as the client wrote it changes nothing', () => {
  const both = (list: string, forwarded: string) =>
    clientAddress(PEER, { 'x-forwarded-for': list, forwarded }, TRUSTED);
  assert.equal(both('192.0.2.1', 'for=203.0.113.9'), PEER);
  assert.equal(both('192.0.2.1', 'nonsense'), PEER);
  assert.equal(both('192.0.2.1', 'for=192.0.2.1'), '192.0.2.1');
});
