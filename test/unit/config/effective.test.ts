import assert from 'node:assert/strict';
import { test } from 'node:test';
import { effectiveSettings } from '../../../src/config/effective.ts';
import type { JsonSchema } from '../../../src/config/schema/walk-settings.ts';

const FILLED = { type: 'string', pattern: '\\$\\{[A-Za-z_]' };
const COUNT = { anyOf: [{ type: 'integer' }, FILLED] };
const SWITCH = { anyOf: [{ type: 'boolean' }, FILLED] };

const group = (properties: object) => ({ type: 'object', additionalProperties: false, properties }) as JsonSchema;

/** Settings as `path=value`, with `!` where the file does not have it. */
function lines(properties: object, value: object): string[] {
  const settings = effectiveSettings(group(properties), value);
  return settings.map((one) => `${one.path.join('.')}=${JSON.stringify(one.value)}${one.isDefault ? '!' : ''}`);
}

test('defaults are added behind what a group has, and take nothing of its place', () => {
  const properties = { a: { ...COUNT, default: 1 }, b: { ...COUNT, default: 2 }, c: COUNT };
  assert.deepEqual(lines(properties, { b: 5 }), ['b=5', 'a=1!']);
  assert.deepEqual(lines({ inner: { ...group(properties), default: {} } }, {}), ['inner.a=1!', 'inner.b=2!']);
  assert.deepEqual(lines({ list: { type: 'array', items: group(properties) } }, { list: [{ a: 3, b: 4 }, {}] }), [
    ...['list.0.a=3', 'list.0.b=4', 'list.1.a=1!', 'list.1.b=2!'],
  ]);
  assert.deepEqual(lines({ list: { type: 'array' }, more: group({}) }, { list: [], more: {} }), ['list=[]', 'more={}']);
});

test('of several forms that a group may have, its keys say which one it is', () => {
  const forms = { anyOf: [group({ a: { ...COUNT, default: 1 } }), group({ b: COUNT, c: { ...COUNT, default: 3 } })] };
  assert.deepEqual(lines({ x: forms }, { x: { b: 2 } }), ['x.b=2', 'x.c=3!']);
});

test('text of a variable becomes what the setting takes', () => {
  const value = { n: '9191', on: 'true', off: 'false', text: '12', odd: 'many', blank: ' ' };
  const text = { anyOf: [{ type: 'integer' }, { type: 'string' }] };
  const properties = { n: COUNT, on: SWITCH, off: SWITCH, text, odd: COUNT, blank: COUNT };
  assert.deepEqual(lines(properties, value), [
    ...['n=9191', 'on=true', 'off=false', 'text="12"', 'odd="many"', 'blank=" "'],
  ]);
});
