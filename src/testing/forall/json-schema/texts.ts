import fc from 'fast-check';
import { reasonOf } from '../../../core/errors.ts';
import { numberIn, type SchemaObject } from './schema-part.ts';

/** Texts of a part, or why there are none. Lengths of those with a pattern or a format are left to a check. */
export function textsOf(part: SchemaObject): fc.Arbitrary<string> | string {
  const minLength = numberIn(part, 'minLength') ?? 0;
  const maxLength = numberIn(part, 'maxLength');
  if (maxLength !== undefined && minLength > maxLength) return `minLength ${minLength} is above maxLength ${maxLength}`;
  if (typeof part.pattern === 'string') return textsOfPattern(part.pattern);
  const formatted = typeof part.format === 'string' ? FORMATS[part.format] : undefined;
  if (formatted !== undefined) return formatted;
  const lengths = maxLength === undefined ? { minLength } : { minLength, maxLength };
  return fc.oneof(
    { weight: 4, arbitrary: fc.string({ ...lengths, unit: 'grapheme-ascii' }) },
    { weight: 1, arbitrary: fc.string({ ...lengths, unit: 'binary' }) },
  );
}

function textsOfPattern(pattern: string): fc.Arbitrary<string> | string {
  try {
    return fc.stringMatching(new RegExp(pattern, 'u'));
  } catch (error) {
    return `no texts can be made for the pattern ${pattern}: ${reasonOf(error)}`;
  }
}

const matching = (pattern: RegExp) => fc.stringMatching(pattern);
/** 1970 to 2100: beyond that most programs differ in how they write a year. */
const dates = fc
  .date({ min: new Date('1970-01-01'), max: new Date('2099-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.toISOString());
const hosts = matching(/^[a-z]([a-z0-9-]{0,6}[a-z0-9])?\.(example|org|test)$/);
const paths = matching(/^(\/[a-z0-9]{1,6}){0,3}$/);
const urls = fc.tuple(hosts, paths).map(([host, path]) => `https://${host}${path}`);

/** What ajv-formats checks. A number format, such as int32, limits no text. */
const FORMATS: Readonly<Record<string, fc.Arbitrary<string>>> = {
  'date-time': dates,
  'iso-date-time': dates,
  date: dates.map((text) => text.slice(0, 10)),
  time: dates.map((text) => text.slice(11)),
  'iso-time': dates.map((text) => text.slice(11)),
  duration: matching(/^P[1-9]\d?(D|W|M|Y)$/),
  email: fc.tuple(matching(/^[a-z][a-z0-9]{0,7}$/), hosts).map(([name, host]) => `${name}@${host}`),
  uuid: fc.uuid(),
  uri: urls,
  url: urls,
  'uri-reference': fc.oneof(urls, paths),
  'uri-template': urls,
  hostname: hosts,
  ipv4: fc.ipV4(),
  ipv6: fc.ipV6(),
  regex: matching(/^[a-z]{1,4}[*+?]?$/),
  'json-pointer': paths,
  'relative-json-pointer': matching(/^\d(\/[a-z]{1,4})?$/),
  byte: fc.base64String(),
};
