import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAsWritten } from '../../../src/core/exact-number.ts';
import { requestOf } from '../../../src/feeds/request/request.ts';
import { connectMessage } from '../../../src/sdk/connect-template.ts';
import { compileConnectUrl } from '../../../src/sdk/connect-url.ts';
import { compileHeader, compileSubprotocol } from '../../../src/sdk/handshake.ts';
import { LITERAL_MARK } from '../../../src/sdk/literal.ts';

const values = (token?: string, cursor?: unknown) => connectMessage({ token, cursor, now: 0, secrets: {} });
const compileUrl = (text: string) => compileConnectUrl(text, 'ws');
const url = (text: string, token?: string, cursor?: unknown) => compileUrl(text).make(values(token, cursor)) as string;

test('token and cursor are percent-encoded in a URL, wherever they are', () => {
  assert.equal(
    url('wss://user:${! meta.token }@h/a/${! meta.token }?t=${! meta.token }&n=${! meta.cursor }', 'a/b c&=?#ü', 7),
    'wss://user:a%2Fb%20c%26%3D%3F%23%C3%BC@h/a/a%2Fb%20c%26%3D%3F%23%C3%BC?t=a%2Fb%20c%26%3D%3F%23%C3%BC&n=7',
  );
  const long = parseAsWritten('8389766145050669871');
  assert.equal(url('ws://h/?at=${! meta.cursor }', undefined, long), 'ws://h/?at=8389766145050669871');
  assert.equal(url('ws://h/?at=${! meta.cursor }', undefined, { a: 1 }), 'ws://h/?at=%7B%22a%22%3A1%7D');
  assert.equal(url('ws://h/?at=${! meta.cursor }', undefined, 'x\ud800'), 'ws://h/?at=x%EF%BF%BD');
});

test('any cursor and token come back whole from the URL that they were put into', () => {
  const token = fc.string({ unit: 'binary-ascii', minLength: 1 });
  fc.assert(
    fc.property(token, fc.string({ unit: 'grapheme' }), (given, cursor) => {
      const made = new URL(
        url('wss://h:1/${! meta.token }x?a=1&c=${! meta.cursor }&t=${! meta.token }', given, cursor),
      );
      assert.equal(made.host, 'h:1');
      assert.equal(made.pathname, `/${encodeURIComponent(given)}x`);
      assert.deepEqual(
        [...made.searchParams],
        [
          ['a', '1'],
          ['c', cursor],
          ['t', given],
        ],
      );
    }),
  );
});

test('a parameter without its value is left out, and a path without it makes no URL', () => {
  const text = 'wss://h/x?a=1&since=id-${! meta.cursor }&t=${! meta.token }';
  assert.equal(url(text, 't', 5), 'wss://h/x?a=1&since=id-5&t=t');
  assert.equal(url(text, 't'), 'wss://h/x?a=1&t=t');
  assert.equal(url(text, undefined, null), 'wss://h/x?a=1');
  assert.equal(url('wss://h/x?t=${! meta.token }'), 'wss://h/x');
  assert.throws(() => url('wss://h/${! meta.token }'), /^Error: the url needs \$\{! meta.token \}, which has no value/);
});

test('a URL without expressions stays byte for byte what it was, and literal ones are characters', () => {
  for (const text of ['ws://h', 'wss://u:p@h:9/a%20b/?', 'ws://h/?a&b=&&c=?d', 'WS://H/%zz?${x}'])
    assert.deepEqual([compileUrl(text).text, url(text, 't', 1)], [text, text]);
  const literal = `$${LITERAL_MARK}{!x}`;
  assert.equal(url(`ws://h/?a=${literal}`), 'ws://h/?a=${!x}');
  assert.equal(compileUrl(`ws://h/?a=${literal}`).text, 'ws://h/?a=${!x}');
  const header = compileHeader('X-A', `${literal} ${'${! meta.token }'}`);
  assert.deepEqual([header.text, header.make(values('t'))], ['${!x} ***', '${!x} t']);
});

test('the URL that is shown is the same for all connects and has no expression in it', () => {
  assert.equal(compileUrl('wss://h/${! meta.token }/x?c=${! meta.cursor }').text, 'wss://h/***/x?c=***');
});

test('mistakes say what can be used, and quote nothing that may be secret', () => {
  const cases = [
    [
      'wss://hidden/?a=${! json.id }',
      /^json.id has no value here, before there is a message; there are \$\{! meta.token \}, /,
    ],
    ['wss://hidden/?a=${! meta.cursor & json.x }', /^json.x has no value here/],
    ['wss://hidden/?a=${! meta }', /^meta has no value here/],
    ['wss://hidden/?a=${! $lenght(meta.token) }', /\$lenght/],
    ['${! meta.a.host }hidden/', /^expected a URL that begins with/],
    ['${! meta.a.host }${! meta.token }/hidden', /^expected a URL that begins with/],
    ['wss://hidden/?a=${! meta.token', /^an expression \$\{! has no \} that closes it/],
    ['wss://${! meta.token }.hidden/', /^host and port are always the same/],
    ['wss://hidden:${! meta.token }/', /^expected a URL that begins with/],
    ['${! meta.token }://hidden/', /^expected a URL that begins with/],
    ['wss://hidden/${! meta.cursor }', /^\$\{! meta.cursor \} can only be used in the query/],
    ['https://hidden/', /^expected a URL/],
    ['wss://hidden/#a', /^expected a URL/],
  ] as const;
  for (const [text, expected] of cases)
    assert.throws(
      () => compileUrl(text),
      ({ message }: Error) => expected.test(message) && !message.includes('hidden'),
      text,
    );
  for (const text of ['${! json.x }', '${! meta.token', 'a${! $nwo() }']) {
    assert.throws(
      () => compileHeader('X-A', `hidden ${text}`),
      ({ message }: Error) => !message.includes('hidden'),
    );
    assert.throws(() => compileSubprotocol(text));
  }
  assert.throws(() => compileHeader('X-A', 'a\u0001${! meta.token }'), /a character that HTTP does not allow/);
  assert.throws(() => compileHeader('X A', 'a'), /is not a valid header name/);
  assert.throws(() => compileSubprotocol('a ${! meta.token }'), /a subprotocol is one word/);
});

test('headers and subprotocols without a value are left out; what HTTP cannot carry makes no request', () => {
  const settings = {
    headers: {
      'X-Static': compileHeader('X-Static', 'a'),
      'X-Token': compileHeader('X-Token', 'Key ${! meta.token }'),
      'X-After': compileHeader('X-After', '${! meta.cursor }'),
    },
    protocols: ['v1', 'bearer.${! meta.token }', '${! meta.cursor }'].map(compileSubprotocol),
  };
  const request = (token?: string, cursor?: unknown) =>
    requestOf(compileUrl('ws://h'), settings, values(token, cursor));
  assert.deepEqual(request(), { url: 'ws://h', headers: { 'X-Static': 'a' }, protocols: ['v1'] });
  assert.deepEqual(request('t', 'v1'), {
    url: 'ws://h',
    headers: { 'X-Static': 'a', 'X-Token': 'Key t', 'X-After': 'v1' },
    protocols: ['v1', 'bearer.t'],
  });
  assert.throws(
    () => request('t', 'hidden\r\nX-Other: 1'),
    ({ message }: Error) => /^headers.X-After contains/.test(message) && !message.includes('hidden'),
  );
  assert.throws(
    () => request('hidden/', 'v1'),
    ({ message }: Error) => /^protocols\[1\] contains/.test(message) && !message.includes('hidden'),
  );
});
