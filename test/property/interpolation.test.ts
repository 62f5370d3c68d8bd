import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { loadConfig } from '../../src/config/index.ts';
import { interpolate } from '../../src/config/yaml/interpolate.ts';
import { withoutMarks } from '../../src/sdk/literal.ts';

const name = fc.stringMatching(/^[A-Z][A-Z0-9_]{0,6}$/);
const value = fc.string({
  unit: fc.constantFrom('a', '0', ' ', '$', '{', '}', '!', ':', '"', "'", '\\', 'é', '\n'),
  maxLength: 12,
});
const plain = fc.string({ unit: fc.constantFrom('a', '0', ' ', '!', ':', '"', '#', 'é') });

test('text written with $${ for each ${ comes out as it was', () => {
  fc.assert(
    fc.property(value, (text) => {
      // A lone $ before ${ would make a $${ of its own, so this is about texts without one.
      fc.pre(!text.includes('$${'));
      const { text: filled, mistakes } = interpolate(
        text.replaceAll('${', () => '$${'),
        {},
      );
      assert.deepEqual(mistakes, []);
      assert.equal(withoutMarks(filled), text);
    }),
  );
});

test('a variable comes through exactly, whatever it holds and whatever is around it', () => {
  fc.assert(
    fc.property(name, value, plain, plain, (variable, held, before, after) => {
      fc.pre(held !== '');
      const { text, mistakes } = interpolate(`${before}\${${variable}:unused}${after}`, { [variable]: held });
      assert.deepEqual(mistakes, []);
      assert.equal(withoutMarks(text), `${before}${held}${after}`);
    }),
  );
});

test('of nested defaults the first variable that is set wins, else the last default', () => {
  const chain = fc.uniqueArray(fc.tuple(name, fc.option(plain)), {
    minLength: 1,
    maxLength: 6,
    selector: ([variable]) => variable,
  });
  fc.assert(
    fc.property(chain, plain, (links, last) => {
      const withDefaults = (some: typeof links) =>
        some.reduceRight((inner, [variable]) => `\${${variable}:${inner}}`, last);
      const env = Object.fromEntries(links.map(([variable, held]) => [variable, held ?? undefined]));
      const expected = links.find(([, held]) => held)?.[1] ?? last;
      assert.deepEqual(interpolate(withDefaults(links), env), {
        text: expected,
        variables: links.map(([variable]) => variable),
        defaults: new Map(links.map(([variable], at) => [variable, withDefaults(links.slice(at + 1))])),
        mistakes: [],
      });
    }),
  );
});

test('no value of a variable changes what the file means', async () => {
  await fc.assert(
    fc.asyncProperty(value, async (held) => {
      fc.pre(held !== '');
      const text = 'log: { driver: embedded, client_id: "${ID}", topics: { a: { config: { x: "<${ID}>" } } } }';
      const { config } = await loadConfig({ text, name: 'x' }, { env: { ID: held }, production: null });
      assert.equal(config.log.client_id, held);
      assert.deepEqual(config.log.topics, { a: { create: true, config: { x: `<${held}>` } } });
    }),
  );
});

test('any text is read or refused, and never throws or hangs', () => {
  const soup = fc.string({ unit: fc.constantFrom('${', '$${', '${!', '}', '{', 'A', ':', '"', "'", '`', '\\', ' ') });
  fc.assert(
    fc.property(soup, (text) => {
      const { text: filled, mistakes } = interpolate(text, { A: 'x' });
      assert.ok(mistakes.every((mistake) => mistake.length > 0));
      if (!text.includes('${')) assert.deepEqual([filled, mistakes], [text, []]);
      // What comes before the first place that is filled in, and behind the last one, is left as it is.
      const first = text.indexOf('${');
      if (first > 0 && text[first - 1] !== '$') assert.equal(filled.slice(0, first), text.slice(0, first));
      // What comes before a text changes nothing in it.
      const behind = interpolate(`\${A} ${text}`, { A: 'x' });
      assert.deepEqual([behind.text, behind.mistakes], [`x ${filled}`, mistakes]);
    }),
  );
});
