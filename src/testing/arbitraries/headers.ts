import fc from 'fast-check';
import type { Header } from '../../core/headers.ts';

/** Names that objects and logs have been seen to lose, move or take for something else. */
const PECULIAR = [
  '',
  '1',
  '0',
  '10',
  '__proto__',
  'constructor',
  'toString',
  'traceparent',
  'tracestate',
  'ä',
  'a',
  'b',
];

const name = fc.oneof(fc.constantFrom(...PECULIAR), fc.string({ unit: 'grapheme', maxLength: 40 }));
const value = fc.oneof(
  fc.constantFrom(null, '', Buffer.alloc(0)),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array)),
);

/** Any list of headers: repeated, empty and odd names, values that are text, bytes or null. */
export const anyHeaders: fc.Arbitrary<Header[]> = fc.array(fc.tuple(name, value), { maxLength: 8 });
