import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isChannelName } from '../../../src/core/channel.ts';

/** Letters, joiners, fillers, selectors and blanks of which nothing is seen. */
const INVISIBLE = ['\u3164', '\u115f', '\u1160', '\uffa0', '\u2800', '\u200b', '\u200d', '\u034f', '\u17b4', '\u180b'];
const MORE = [
  '\ufe00',
  '\ufe0e',
  '\ufe0f',
  '\u{e0100}',
  '\u{e0041}',
  '\u{1d159}',
  '\u{16fe4}',
  '\u2065',
  '\uffff',
  '\u00ad',
];

test('a name of a channel has no character of which nothing is seen, wherever it is', () => {
  for (const invisible of [...INVISIBLE, ...MORE])
    for (const name of [invisible, `${invisible}a`, `a${invisible}`, `a${invisible}b`, `1${invisible}`])
      assert.equal(
        isChannelName(name),
        false,
        JSON.stringify([...name].map((one) => one.codePointAt(0)?.toString(16))),
      );
});

test('spaces belong to a name of a channel, and make none by themselves', () => {
  for (const name of [' a', 'a b', 'a ', ' é', 'a\u00a0b']) assert.equal(isChannelName(name), true, name);
  for (const name of ['', ' ', '   ', '\u00a0', ' \u3000']) assert.equal(isChannelName(name), false, name);
});

test('an emoji belongs to a name of a channel as keyboards write it, but for those that are joined', () => {
  for (const emoji of ['😀', '❤️', '☎️', '1️⃣', '#️⃣', '👍🏽', '🇫🇷', '⌚︎', '🏳️', '©️'])
    for (const name of [emoji, `room.${emoji}`, `${emoji} talk`]) assert.equal(isChannelName(name), true, name);
  for (const name of ['👩‍💻', '😀️', '❤️️', '1️', 'a️', '☎︎']) assert.equal(isChannelName(name), false, name);
});

test('a name of a channel has letters of any script, and 255 UTF-16 units at most', () => {
  for (const name of ['Зал', '東京', 'किताब', 'ดี', 'e\u0301', '\ue000']) assert.equal(isChannelName(name), true, name);
  for (const letter of ['a', 'é'])
    assert.deepEqual(
      [255, 256].map((length) => isChannelName(letter.repeat(length))),
      [true, false],
    );
  assert.equal(isChannelName(`${' '.repeat(254)}a`), true);
});
