import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { type CallerOptions, Callers } from '../../../src/admin/callers.ts';
import { hostPatternMistake } from '../../../src/core/address.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';
import { callersOf } from './rig.ts';

type Headers = Readonly<Record<string, string>>;

/** Why a request is refused; undefined where it is answered. */
function reasonFor(headers: Headers, changes: Partial<CallerOptions> = {}, method = 'POST'): string | undefined {
  return callersOf(changes).refusal({ method, headers } as unknown as IncomingMessage)?.reason;
}

test('loopback, addresses, names without a dot and the bound host name the port; others do not', () => {
  const ownHosts = () => ['', 'gateway-1.example.net', 'fe80::1', '0.0.0.0'];
  for (const host of [
    ...['localhost', 'LocalHost:8080', 'localhost.', 'a.localhost', '127.0.0.1', '127.0.0.1:8080', '[::1]:8080'],
    ...['10.2.3.4', '[2001:db8::1]', 'gateway:8080', 'Gateway-1.Example.NET:8080', '[fe80::1]'],
  ])
    assert.equal(reasonFor({ host }, { ownHosts }), undefined, host);
  for (const host of [
    ...['evil.example', 'evil.example:8080', 'localhost.evil.example', '127.0.0.1.evil.example', 'evil.example.'],
    ...[
      'x.gateway-1.example.net',
      'localhost@evil.example',
      'evil.example/localhost',
      'a b',
      '[::1',
      'localhost:x',
      '',
    ],
  ])
    assert.equal(reasonFor({ host }, { ownHosts }), 'host', host);
  assert.equal(reasonFor({}), undefined, 'HTTP/1.0 may leave it out');
});

test('allowed_hosts are further names, all below a name, or any', () => {
  const allowedHosts = ['Connect.example.org', '*.internal.example.org', '2001:db8::2'];
  for (const host of ['connect.example.org:443', 'a.internal.example.org', 'a.b.Internal.example.org', '[2001:db8::2]'])
    assert.equal(reasonFor({ host }, { allowedHosts }), undefined, host);
  for (const host of ['internal.example.org', 'example.org', 'xconnect.example.org', 'evilinternal.example.org'])
    assert.equal(reasonFor({ host }, { allowedHosts }), 'host', host);
  assert.equal(reasonFor({ host: 'evil.example' }, { allowedHosts: ['*'] }), undefined);
});

test('entries of allowed_hosts are hosts without scheme and port', () => {
  for (const fine of ['*', 'a.example.org', '*.example.org', '10.0.0.1', '::1', 'gateway'])
    assert.equal(hostPatternMistake(fine), undefined, fine);
  for (const wrong of ['', '*.', 'https://a.example.org', 'a.example.org:443', 'a.*.org', '*a.org', '*.*'])
    assert.notEqual(hostPatternMistake(wrong), undefined, wrong);
});

test('a page of another origin is refused; pages of the port itself and of allowed hosts are not', () => {
  const host = 'localhost:8083';
  for (const origin of [
    ...['https://evil.example', 'http://localhost:3000', 'http://localhost', 'http://127.0.0.1:8083', 'http://6.6.6.6'],
    ...[
      'null',
      '',
      'file://',
      'http://localhost:8083.evil.example',
      'http://localhost:8083/x',
      'http://evil@localhost:8083',
    ],
  ])
    assert.equal(reasonFor({ host, origin }), 'origin', origin);
  assert.equal(
    reasonFor({ origin: 'http://localhost:8083' }),
    'origin',
    'without Host nothing says that it is the same',
  );
  assert.equal(reasonFor({ host, origin: 'http://localhost:8083' }), undefined);
  assert.equal(reasonFor({ host: 'localhost', origin: 'http://localhost' }), undefined);
  assert.equal(reasonFor({ host: 'localhost:443', origin: 'https://localhost' }), undefined);
  const allowedHosts = ['ui.example.org'];
  const ofTheProxy = { host, origin: 'https://ui.example.org', 'sec-fetch-site': 'cross-site' };
  assert.equal(reasonFor(ofTheProxy, { allowedHosts }), undefined);
  assert.equal(reasonFor({ host, origin: 'https://evil.example' }, { allowedHosts }), 'origin');
  assert.equal(
    reasonFor({ host, origin: 'https://evil.example' }, { allowedHosts: ['*'] }),
    'origin',
    '* is for names alone',
  );
});

test('a request that a browser marks as from another site is refused, unless the user followed a link', () => {
  const host = 'localhost:8080';
  const from = (site: string, more: Headers = {}, method = 'GET') =>
    reasonFor({ host, 'sec-fetch-site': site, ...more }, {}, method);
  const link = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  for (const site of ['cross-site', 'same-site', 'anything']) {
    assert.equal(from(site, { 'sec-fetch-mode': 'no-cors' }, 'POST'), 'origin', site);
    assert.equal(from(site, { 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' }), 'origin', site);
    assert.equal(from(site, { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }), 'origin', site);
    assert.equal(from(site, { 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'document' }), 'origin', site);
    assert.equal(from(site, link, 'POST'), 'origin', site);
    assert.equal(from(site, link), undefined, site);
  }
  for (const site of ['same-origin', 'none']) assert.equal(from(site, {}, 'POST'), undefined, site);
  assert.equal(reasonFor({ host: 'evil.example', 'sec-fetch-site': 'same-origin' }), 'host', 'a page by DNS rebinding');
});

test('refusals are one line a minute for each reason, with what to change, and cannot forge a line', () => {
  const clock = new HandClock();
  const kept = keptLogger();
  const callers = new Callers({
    ...{ section: 'connect', allowedHosts: [], ownHosts: () => [], clock, logger: kept.logger },
  });
  const asked = (headers: Headers) => callers.refusal({ method: 'GET', headers } as unknown as IncomingMessage);
  for (let times = 0; times < 3; times++) asked({ host: 'evil.example' });
  asked({ host: 'localhost', origin: `https://\x1b[2J${'x'.repeat(500)}` });
  clock.advance(60_000);
  asked({ host: 'evil.example' });
  assert.deepEqual(
    kept.lines.map(({ level, facts }) => [level, facts]),
    [
      ['warn', { port: 'connect', reason: 'host', refused: 1 }],
      ['warn', { port: 'connect', reason: 'origin', refused: 1 }],
      ['warn', { port: 'connect', reason: 'host', refused: 3 }],
    ],
  );
  assert.match(
    kept.lines[0]?.text ?? '',
    /"evil\.example" is not a name of this port; add it to connect\.allowed_hosts/,
  );
  assert.match(kept.lines[1]?.text ?? '', /"https:\/\/\?\[2Jx{180,190}" may not send/);
});
