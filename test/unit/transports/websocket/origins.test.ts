import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { originMatcher, originMistake } from '../../../../src/transports/websocket/origins.ts';

const allowed = (entry: string, origin: string) => originMatcher([entry])(origin);

test('origins are compared by scheme, host and port, without case and the default port of the scheme', () => {
  const same: [entry: string, origin: string][] = [
    ['https://example.org', 'https://example.org'],
    ['HTTPS://Example.ORG:443', 'https://example.org'],
    ['https://example.org', 'HTTPS://EXAMPLE.org:443'],
    ['http://example.org:80', 'http://example.org'],
    ['http://example.org:08080', 'http://example.org:8080'],
    ['https://bücher.example', 'https://xn--bcher-kva.example'],
    ['http://[0:0:0:0:0:0:0:1]:3000', 'http://[::1]:3000'],
    ['null', 'null'],
    ['file://', 'file://'],
    ['chrome-extension://abcdef', 'chrome-extension://abcdef'],
    ['*', 'anything at all'],
  ];
  for (const [entry, origin] of same) assert.ok(allowed(entry, origin), `${entry} should match ${origin}`);
  const different: [entry: string, origin: string][] = [
    ['https://example.org', 'http://example.org'],
    ['https://example.org', 'https://example.org:8443'],
    ['https://example.org', 'https://www.example.org'],
    ['https://example.org', 'https://example.org.evil.org'],
    ['https://example.org', 'https://example.org/'],
    ['https://example.org', 'https://example.org https://evil.org'],
    ['https://example.org', 'null'],
    ['https://example.org', ''],
  ];
  for (const [entry, origin] of different) assert.ok(!allowed(entry, origin), `${entry} should not match ${origin}`);
});

test('a * in front is for one label or more, any other for a part of one label', () => {
  const cases: [entry: string, yes: string[], no: string[]][] = [
    [
      'https://*.example.com',
      ['https://a.example.com', 'https://a.b.example.com', 'https://A.Example.com:443'],
      [
        'https://example.com',
        'https://evil-example.com',
        'https://a.example.com.evil.org',
        'https://.example.com',
        'https://a..example.com',
        'http://a.example.com',
        'https://a.example.com:8443',
        'https://evil.org/.example.com',
        'https://evil.org#.example.com',
        'https://evil.org:1.example.com',
        'https://me@a.example.com',
        'https://axexample.com',
        'https://*.example.com',
        'https://a.example.com\n',
      ],
    ],
    [
      'https://app-*.example.com:8443',
      ['https://app-1.example.com:8443'],
      ['https://app-.example.com:8443', 'https://app-1.b.example.com:8443', 'https://app-1.example.com'],
    ],
    ['https://a.*.example.com', ['https://a.b.example.com'], ['https://a.b.c.example.com', 'https://a.example.com']],
    ['https://*', ['https://localhost', 'https://a.b.c'], ['http://localhost', 'https://a:1']],
  ];
  for (const [entry, yes, no] of cases) {
    assert.equal(originMistake(entry), undefined);
    for (const origin of yes) assert.ok(allowed(entry, origin), `${entry} should match ${origin}`);
    for (const origin of no) assert.ok(!allowed(entry, origin), `${entry} should not match ${origin}`);
  }
});

test('what a message says to write is right, and an entry that is right matches itself unless it has a *', () => {
  const entry = fc.oneof(
    fc.string({ maxLength: 30 }),
    fc.webUrl({ withFragments: true, withQueryParameters: true }),
    fc.domain().map((domain) => `*.${domain}`),
  );
  fc.assert(
    fc.property(entry, (text) => {
      const mistake = originMistake(text);
      if (mistake === undefined) assert.ok(text.includes('*') || allowed(text, text));
      else {
        const written = / matches no page; write (\S+)$/.exec(mistake)?.[1];
        if (written !== undefined) assert.equal(originMistake(written), undefined);
      }
    }),
  );
});

test('an origin that is made to take long is answered at once', () => {
  const start = performance.now();
  const is = originMatcher(['https://*.example.com', 'https://a-*.b-*.example.com']);
  for (let count = 0; count < 1_000; count++) is(`https://${'a-.'.repeat(4_000)}example.co`);
  assert.ok(performance.now() - start < 5_000);
});

test('self is the host that the handshake goes to, with the port, whatever ended TLS in front of it', () => {
  const allows = originMatcher(['self', 'https://other.example']);
  for (const [origin, host, isAllowed] of [
    ['https://a.example', 'a.example', true],
    ['https://a.example', 'A.example:443', true],
    ['http://a.example:8080', 'a.example:8080', true],
    ['https://other.example', 'a.example', true],
    ['http://a.example:8080', 'a.example', false],
    ['https://evil.example', 'a.example', false],
    ['https://a.example.evil.org', 'a.example', false],
    ['https://a.example', undefined, false],
    ['self', 'self', false],
    ['null', 'null', false],
  ] as const)
    assert.equal(allows(origin, host), isAllowed, `${origin} at ${host}`);
  assert.equal(originMistake('self'), undefined);
});
