import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProxyHeader } from '../../../../src/transports/websocket/proxy-header.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
const typeOf = (text: string | Buffer, versions: 'v1' | 'v2' | 'any' = 'any') =>
  readProxyHeader(Buffer.from(text as string), versions).type;

test('version 1 says the address of the client, or that there is none', () => {
  const line = 'PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n';
  assert.deepEqual(readProxyHeader(Buffer.from(`${line}GET / HTTP`), 'any'), {
    type: 'complete',
    length: line.length,
    source: '192.0.2.1',
  });
  const six = 'PROXY TCP6 2001:DB8::1 2001:db8::2 1 65535\r\n';
  assert.deepEqual(readProxyHeader(Buffer.from(six), 'v1'), {
    type: 'complete',
    length: six.length,
    source: '2001:db8::1',
  });
  for (const text of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ff::1 ff::2 0 x\r\n'])
    assert.deepEqual(readProxyHeader(Buffer.from(text), 'any'), {
      type: 'complete',
      length: text.length,
      source: undefined,
    });
});

test('version 2 says the address of the client, or that there is none; what is added is skipped', () => {
  const four = hex(`${SIGNATURE} 21 11 0010 c0000201 c6336401 c822 01bb 04 0001 00`);
  assert.deepEqual(readProxyHeader(four, 'v2'), { type: 'complete', length: 32, source: '192.0.2.1' });
  const six = hex(
    `${SIGNATURE} 21 21 0024 20010db8000000000000000000000001 20010db8000000000000000000000002 c822 01bb`,
  );
  assert.deepEqual(readProxyHeader(six, 'any'), { type: 'complete', length: 52, source: '2001:db8::1' });
  for (const [what, header] of [
    ['LOCAL', `${SIGNATURE} 20 00 0000`],
    ['LOCAL with addresses', `${SIGNATURE} 20 11 000c c0000201 c6336401 c822 01bb`],
    ['a family that is not TCP', `${SIGNATURE} 21 12 000c c0000201 c6336401 c822 01bb`],
  ] as const) {
    const read = readProxyHeader(hex(header), 'any');
    assert.ok(read.type === 'complete' && read.source === undefined, what);
  }
});

test('what is not a header of the version, or breaks it, is refused, as is one that is too long', () => {
  for (const text of [
    ...['GET / HTTP/1.1\r\n', 'PROXY TCP4 192.0.2.1 198.51.100.1 51234\r\n', 'PROXY TCP4 2001:db8::1 ::1 1 2\r\n'],
    ...['PROXY TCP4 192.0.2.1 198.51.100.1 51234 65536\r\n', 'PROXY  TCP4 192.0.2.1 198.51.100.1 1 2\r\n', 'proxy '],
    ...['PROXY TCP5 192.0.2.1 198.51.100.1 1 2\r\n', `PROXY UNKNOWN ${'x'.repeat(100)}`, 'PROXY UNKNOWNS\r\n'],
  ])
    assert.equal(typeOf(text), 'broken', text);
  for (const header of ['31 11 000c', '22 11 000c', '21 11 1001', '21 11 000b c0000201 c6336401 c822 01'])
    assert.equal(typeOf(hex(`${SIGNATURE} ${header}`)), 'broken', header);
  assert.equal(typeOf('PROXY UNKNOWN\r\n', 'v2'), 'broken');
  assert.equal(typeOf(hex(SIGNATURE), 'v1'), 'broken');
  for (const text of ['', 'P', 'PROXY TCP4 192', '\r\n\r\n']) assert.equal(typeOf(text), 'incomplete', text);
  assert.equal(typeOf(hex(`${SIGNATURE} 21 11 1000`)), 'incomplete');
});
