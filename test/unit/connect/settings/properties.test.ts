import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseProperties } from '../../../../src/connect/settings/properties.ts';

test('a key ends at the first =, : or blank, and blanks around the separator are ignored', () => {
  assert.deepEqual(parseProperties('a=1\nb: 2\nc 3\nd   =   4\n  e\t:\tfive six \nf'), {
    a: '1',
    b: '2',
    c: '3',
    d: '4',
    e: 'five six ',
    f: '',
  });
});

test('only the first separator counts, so URLs and JSON stay complete', () => {
  const text = 'websocket.url=wss://h:9443/ws?a=b:c\nmessage={"method":"SUBSCRIBE","params":["a b"]}';
  assert.deepEqual(parseProperties(text), {
    'websocket.url': 'wss://h:9443/ws?a=b:c',
    message: '{"method":"SUBSCRIBE","params":["a b"]}',
  });
});

test('lines that begin with # or ! and blank lines are skipped; within a value they are text', () => {
  assert.deepEqual(parseProperties('# one\n  ! two\n\n \t\na=#3!\n'), { a: '#3!' });
});

test('a backslash at the end continues the line, without indentation; two are one backslash', () => {
  assert.deepEqual(parseProperties('a=one,\\\n    two,\\\r\n\t# three\nb=x\\\\\nc=y'), {
    a: 'one,two,# three',
    b: 'x\\',
    c: 'y',
  });
  assert.deepEqual(parseProperties('a=end\\'), { a: 'end' });
});

test('escapes in keys and values are decoded', () => {
  assert.deepEqual(parseProperties('a\\ b\\=c\\:d = \\t\\n\\r\\f\\u00fc\\z\\\\'), { 'a b=c:d': '\t\n\r\f\u00fcz\\' });
});

test('of several values of a key the last one counts', () => {
  assert.deepEqual(parseProperties('a=1\na=2'), { a: '2' });
});

test('an invalid \\u is reported with its line', () => {
  assert.throws(() => parseProperties('# x\na=1\nb=\\\n\\u12'), /line 3: \\u needs four hexadecimal digits/);
});

test('everything that Java would write is read back', () => {
  const written = (text: string, isKey: boolean) =>
    [...text]
      .map((char, index) => {
        if (/[\\=:#!]/.test(char) || (char === ' ' && (isKey || index === 0))) return `\\${char}`;
        if (char >= ' ' && char <= '~') return char;
        return [...Array(char.length).keys()]
          .map((at) => `\\u${char.charCodeAt(at).toString(16).padStart(4, '0')}`)
          .join('');
      })
      .join('');
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary', minLength: 1 }), fc.string({ unit: 'binary' })), (given) => {
      const wanted = { ...given };
      const text = Object.entries(wanted).map(([key, value]) => `${written(key, true)}=${written(value, false)}\n`);
      assert.deepEqual(parseProperties(text.join('')), wanted);
    }),
  );
});
