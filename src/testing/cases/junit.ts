import { formatPlace } from './report-text.ts';
import { type Failure, type FileResult, sentenceOf, type TestResult, totalsOf } from './result.ts';

/** The results as the XML that CI systems read: a suite for each file. */
export function junitXml(files: readonly FileResult[]): string {
  const { failed, passed, invalid } = totalsOf(files);
  const attributes = {
    name: 'tidegate',
    tests: passed + failed + invalid,
    failures: failed,
    errors: invalid,
    time: seconds(files.flatMap(({ results }) => results)),
  };
  const suites = files.flatMap(suite).map((line) => `  ${line}`);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    open('testsuites', attributes),
    ...suites,
    '</testsuites>',
    '',
  ].join('\n');
}

function suite({ file, results, invalid }: FileResult): string[] {
  const failures = results.filter((result) => result.failures.length > 0).length;
  const errors = invalid === undefined ? 0 : 1;
  const attributes = { name: file, tests: results.length + errors, failures, errors, time: seconds(results) };
  const broken =
    invalid === undefined
      ? []
      : [
          open('testcase', { name: 'the file is valid', classname: file, file, time: '0.000' }),
          element('error', { message: firstLine(invalid), type: 'invalid' }, invalid),
          '</testcase>',
        ];
  return [
    open('testsuite', attributes),
    ...[...broken, ...results.flatMap((result) => testCase(result, file))].map((line) => `  ${line}`),
    '</testsuite>',
  ];
}

function testCase({ name, place, milliseconds, failures }: TestResult, classname: string): string[] {
  const { file, line } = place;
  const attributes = { name, classname, file, line, time: (milliseconds / 1_000).toFixed(3) };
  const [first] = failures;
  if (first === undefined) return [open('testcase', attributes).replace(/>$/, '/>')];
  const message = `${first.path === '' ? '' : `${first.path}: `}${sentenceOf(first)}`;
  return [
    open('testcase', attributes),
    element('failure', { message: firstLine(message), type: 'difference' }, failures.map(textOf).join('\n')),
    '</testcase>',
  ];
}

function textOf(failure: Failure): string {
  const { path, place, details } = failure;
  const text = [formatPlace(place), path, sentenceOf(failure)].filter((part) => part !== '').join('  ');
  return details === undefined ? text : `${text}\n${details}`;
}

function seconds(results: readonly TestResult[]): string {
  return (results.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1_000).toFixed(3);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

type Attributes = Readonly<Record<string, string | number>>;

function open(name: string, attributes: Attributes): string {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${attribute(String(value))}"`);
  return `<${name}${written.join('')}>`;
}

function element(name: string, attributes: Attributes, text: string): string {
  return `  ${open(name, attributes)}${escaped(text)}</${name}>`;
}

/** Characters that XML 1.0 cannot have, not even as references; a lone half of a surrogate pair is one. */
const FORBIDDEN = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu;

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escaped(text: string): string {
  return text.replaceAll(FORBIDDEN, '\uFFFD').replaceAll(/[&<>"]/g, (char) => ENTITIES[char] ?? char);
}

/** A reader of XML makes a blank of a line break in an attribute. */
function attribute(text: string): string {
  return escaped(text).replaceAll(/[\n\r\t]/g, (char) => `&#${char.charCodeAt(0)};`);
}
