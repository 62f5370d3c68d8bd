import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AddressRanges } from '../../src/core/address-ranges.ts';
import { plainAddress } from '../../src/core/client-address.ts';
import { clientAddress } from '../../src/transports/websocket/forwarded.ts';
import { readProxyHeader } from '../../src/transports/websocket/proxy-header.ts';

const TRUSTED = new AddressRanges(['10.0.0.0/8']);
const PEER = '10.0.0.1';

const proxy = fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((parts) => `10.${parts.join('.')}`);
const client = fc.oneof(fc.ipV4(), fc.ipV6()).filter((address) => !TRUSTED.has(address));

/** Ways in which the same address is written. */
const written = (address: string): fc.Arbitrary<string> =>
  address.includes(':')
    ? fc.constantFrom(address, `[${address}]`, `[${address}]:443`, address.toUpperCase(), `"[${address}]:1"`)
    : fc.constantFrom(address, `${address}:443`, `::ffff:${address}`, `"${address}"`);

test('a client in front of the proxies chooses no address, whatever it writes into its headers', () => {
  const given = client.chain((address) =>
    fc.tuple(fc.constant(address), written(address), fc.array(proxy), fc.string({ unit: 'grapheme-ascii' })),
  );
  fc.assert(
    fc.property(given, ([address, text, proxies, invented]) => {
      const list = [invented, text, ...proxies].join(', ');
      assert.equal(clientAddress(PEER, { 'x-forwarded-for': list }, TRUSTED), plainAddress(address));
      // Of a Forwarded of the client's own nothing is believed that X-Forwarded-For does not say.
      const both = clientAddress(PEER, { 'x-forwarded-for': list, forwarded: invented }, TRUSTED);
      assert.ok(both === PEER || both === plainAddress(address));
    }),
  );
});

test('any header gives the address of the peer, or one that it has in it', () => {
  const piece = fc.oneof(
    fc.constantFrom('for=', 'For="', '"', ',', ';', ' ', '\\', '[', ']', ':80', 'by=', '_x', 'unknown', '%eth0'),
    fc.ipV4(),
    fc.ipV6(),
    fc.string(),
  );
  const header = fc.array(piece).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(header, header, (list, forwarded) => {
      const address = clientAddress(PEER, { 'x-forwarded-for': list, forwarded }, TRUSTED);
      assert.equal(plainAddress(address), address);
    }),
  );
});

test('Forwarded and X-Forwarded-For with the same addresses say the same', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(client, proxy), { minLength: 1 }), (hops) => {
      const list = hops.join(', ');
      const forwarded = hops.map((hop) => `for="${hop.includes(':') ? `[${hop}]` : hop}";proto=https`).join(', ');
      const one = clientAddress(PEER, { 'x-forwarded-for': list }, TRUSTED);
      assert.equal(clientAddress(PEER, { forwarded }, TRUSTED), one);
    }),
  );
});

const port = fc.nat(65_535);

test('a PROXY header of either version is found wherever it is cut, and says the address', () => {
  const header = fc.oneof(
    fc.tuple(fc.ipV4(), port).map(([source, at]) => [source, v1('TCP4', source, '192.0.2.1', at)] as const),
    fc.tuple(fc.ipV6(), port).map(([source, at]) => [source, v1('TCP6', source, '::1', at)] as const),
    fc.tuple(fc.ipV4(), fc.uint8Array()).map(([source, more]) => [source, v2(source, more)] as const),
  );
  fc.assert(
    fc.property(header, fc.uint8Array(), fc.nat(), ([source, bytes], rest, cut) => {
      const length = cut % bytes.length;
      assert.equal(readProxyHeader(bytes.subarray(0, length), 'any').type, 'incomplete');
      assert.deepEqual(readProxyHeader(Buffer.concat([bytes, rest]), 'any'), {
        type: 'complete',
        length: bytes.length,
        source: plainAddress(source),
      });
    }),
  );
});

test('bytes of any kind are a header, not one, or the beginning of one that is not longer than it may be', () => {
  const signature = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
  const bytes = fc
    .tuple(
      fc.constantFrom(Buffer.alloc(0), signature, Buffer.from('PROXY '), Buffer.from('PROXY TCP4 ')),
      fc.uint8Array(),
    )
    .map(([head, tail]) => Buffer.concat([head, tail]));
  fc.assert(
    fc.property(bytes, (given) => {
      const read = readProxyHeader(Buffer.concat([given, Buffer.alloc(5_000)]), 'any');
      assert.notEqual(read.type, 'incomplete');
      if (read.type === 'complete' && read.source !== undefined) assert.equal(plainAddress(read.source), read.source);
    }),
  );
});

function v1(family: string, source: string, destination: string, at: number): Buffer {
  return Buffer.from(`PROXY ${family} ${source} ${destination} ${at} 443\r\n`);
}

function v2(source: string, more: Uint8Array): Buffer {
  const head = Buffer.from('0d0a0d0a000d0a515549540a21110000', 'hex');
  const addresses = Buffer.from([...source.split('.').map(Number), 192, 0, 2, 1, 0, 1, 1, 187]);
  head.writeUInt16BE(addresses.length + more.length, 14);
  return Buffer.concat([head, addresses, more]);
}
