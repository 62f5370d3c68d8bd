import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BLANK_IN_URL, hostMistake, urlMistake } from '../../../src/core/address.ts';

test('a host name and an IP address of either version are right as they are', () => {
  for (const text of ['localhost', 'kafka-1.example', 'my_host', '10.0.0.1', '::1', 'fe80::1', 'a'.repeat(253)])
    assert.equal(hostMistake(text), undefined, text);
});

for (const [text, mistake] of [
  ['*', 'is not an address; write 0.0.0.0 for all of them, or leave it out'],
  ['http://localhost', '"http://localhost" has a scheme in it; write localhost'],
  ['http://[::1]:80', '"http://[::1]:80" has a scheme in it; write ::1'],
  ['localhost:8080', '"localhost:8080" has more than a host name in it; write localhost'],
  ['localhost/', '"localhost/" has more than a host name in it; write localhost'],
  ['[::1]', '"[::1]" has brackets in it; write ::1'],
  ['[10.0.0.1]', '"[10.0.0.1]" is not a host name or an IP address'],
  ['-a', '"-a" is not a host name or an IP address'],
  ['a b', '"a b" is not a host name or an IP address'],
  ['', '"" is not a host name or an IP address'],
  ['a'.repeat(254), `"${'a'.repeat(200)}..." is not a host name or an IP address`],
  ['me:secret@host', 'this is not a host name or an IP address'],
] as const) {
  test(`as a host, "${text.slice(0, 20)}" ${mistake.slice(-40)}`, () => assert.equal(hostMistake(text), mistake));
}

const RULE = { schemes: ['ws', 'wss'], example: 'wss://feed.example/prices' };

test('a URL of one of the schemes is right, in capitals too', () => {
  for (const text of ['ws://a', 'WSS://a.example:65535/x?y=z']) assert.equal(urlMistake(text, RULE), undefined, text);
});

for (const [text, mistake] of [
  ['feed.example/x', '"feed.example/x" does not begin with ws:// or wss://; write ws://feed.example/x'],
  ['//feed.example', '"//feed.example" does not begin with ws:// or wss://; write ws://feed.example'],
  ['me:secret@feed.example', 'this does not begin with ws:// or wss://; write wss://feed.example/prices'],
  ['two words', '"two words" does not begin with ws:// or wss://; write wss://feed.example/prices'],
  ['', '"" does not begin with ws:// or wss://; write wss://feed.example/prices'],
  [
    'http://a',
    '"http://a" begins with http://, which is not spoken here; write a URL such as wss://feed.example/prices',
  ],
  ['ws://a:65536', '"ws://a:65536": the port is a number from 1 to 65535'],
  ['ws://a:99999/x', '"ws://a:99999/x": the port is a number from 1 to 65535'],
  ['ws://a:99999?x', '"ws://a:99999?x": the port is a number from 1 to 65535'],
  ['ws://a b:65535', `"ws://a b:65535" ${BLANK_IN_URL}`],
  ['ws://a\r\n.b', `"ws://a\\r\\n.b" ${BLANK_IN_URL}`],
  ['ws://a/\tb', `"ws://a/\\tb" ${BLANK_IN_URL}`],
  ['ws://a/\0', `"ws://a/\\u0000" ${BLANK_IN_URL}`],
  ['ws://a/ ', `"ws://a/ " ${BLANK_IN_URL}`],
  ['ws://', '"ws://" is not a URL; write one such as wss://feed.example/prices'],
  ['ws://me:secret@a:b', 'this is not a URL; write one such as wss://feed.example/prices'],
] as const) {
  test(`as a URL, "${text}" has the mistake ${mistake.slice(-40)}`, () =>
    assert.equal(urlMistake(text, RULE), mistake));
}
