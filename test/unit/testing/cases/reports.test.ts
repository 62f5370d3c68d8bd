import assert from 'node:assert/strict';
import { test } from 'node:test';
import { githubAnnotations, problemAnnotation } from '../../../../src/testing/cases/annotations.ts';
import { junitXml } from '../../../../src/testing/cases/junit.ts';
import { COLOURED, reportFiles, reportTotals } from '../../../../src/testing/cases/report-text.ts';
import type { Failure, FileResult } from '../../../../src/testing/cases/result.ts';

const at = (line: number) => ({ file: 'a.yaml', line, column: 5 });
const difference: Failure = {
  path: 'output.orders[0].json.total',
  place: at(9),
  what: { expected: '5', got: '6' },
};
const sentence: Failure = {
  path: '',
  place: at(3),
  what: { sentence: 'run 3 of 5: "<a> & b" was lost' },
  details: '- name: it\n  pipeline: x',
};
const FILES: readonly FileResult[] = [
  {
    file: 'a.yaml',
    results: [
      { name: 'passes', place: at(2), milliseconds: 1.6, failures: [] },
      { name: 'fails, 100%: "all"', place: at(3), milliseconds: 1_234, failures: [difference, sentence] },
    ],
  },
  { file: 'b.yaml', results: [], invalid: 'b.yaml:1:1  pipelines  unknown\nmore' },
];

test('the report names what was expected, what came, and where in the YAML', () => {
  assert.equal(
    reportFiles(FILES),
    `a.yaml
  ok    passes (2 ms)
  FAIL  fails, 100%: "all"  a.yaml:3:5
        output.orders[0].json.total  a.yaml:9:5
          expected  5
          got       6
        a.yaml:3:5
          run 3 of 5: "<a> & b" was lost
          - name: it
            pipeline: x
b.yaml
  b.yaml:1:1  pipelines  unknown
more

1 passed, 1 failed, 1 file invalid`,
  );
});

test('of a test with very many differences the first ten are printed', () => {
  const failures = Array.from({ length: 13 }, () => difference);
  const text = reportFiles([{ file: 'a.yaml', results: [{ name: 'it', place: at(2), milliseconds: 1, failures }] }]);
  assert.equal(text.match(/expected/g)?.length, 10);
  assert.match(text, /\n {10}and 3 more\n/);
});

test('the last line is green where all passed, and red otherwise', () => {
  assert.equal(reportTotals({ passed: 3, failed: 0, invalid: 0 }, COLOURED), '\u001b[32m3 passed, 0 failed\u001b[39m');
  assert.equal(reportTotals({ passed: 3, failed: 1, invalid: 0 }, COLOURED), '\u001b[31m3 passed, 1 failed\u001b[39m');
  assert.match(reportTotals({ passed: 0, failed: 0, invalid: 2 }, COLOURED), /\[31m.*2 files invalid/);
});

test('the JUnit report is XML whose texts are escaped', () => {
  assert.equal(
    junitXml(FILES),
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="tidegate" tests="3" failures="1" errors="1" time="1.236">
  <testsuite name="a.yaml" tests="2" failures="1" errors="0" time="1.236">
    <testcase name="passes" classname="a.yaml" file="a.yaml" line="2" time="0.002"/>
    <testcase name="fails, 100%: &quot;all&quot;" classname="a.yaml" file="a.yaml" line="3" time="1.234">
      <failure message="output.orders[0].json.total: expected 5, got 6" type="difference">a.yaml:9:5  output.orders[0].json.total  expected 5, got 6
a.yaml:3:5  run 3 of 5: &quot;&lt;a&gt; &amp; b&quot; was lost
- name: it
  pipeline: x</failure>
    </testcase>
  </testsuite>
  <testsuite name="b.yaml" tests="1" failures="0" errors="1" time="0.000">
    <testcase name="the file is valid" classname="b.yaml" file="b.yaml" time="0.000">
      <error message="b.yaml:1:1  pipelines  unknown" type="invalid">b.yaml:1:1  pipelines  unknown
more</error>
    </testcase>
  </testsuite>
</testsuites>
`,
  );
});

test('characters that XML cannot have are replaced, and line breaks in attributes stay', () => {
  const results = [{ name: 'a\u0000\u001b\ud800b\nc\u{1f600}', place: at(1), milliseconds: 0, failures: [] }];
  assert.match(junitXml([{ file: 'a.yaml', results }]), /name="a\uFFFD\uFFFD\uFFFDb&#10;c\u{1f600}"/u);
});

test('GitHub gets an annotation for each failure, on the line of the expectation', () => {
  assert.deepEqual(githubAnnotations(FILES), [
    '::error file=a.yaml,line=9,col=5,title=fails%2C 100%25%3A "all"::output.orders[0].json.total: expected 5, got 6',
    '::error file=a.yaml,line=3,col=5,title=fails%2C 100%25%3A "all"::run 3 of 5: "<a> & b" was lost%0A- name: it%0A  pipeline: x',
  ]);
  const problem = { severity: 'error', code: 'TG_CONFIG_INVALID', file: 'b.yaml', line: 0, column: 0 } as const;
  assert.equal(
    problemAnnotation({ ...problem, path: 'tests[0]', message: 'no' }),
    '::error file=b.yaml,title=tests[0]::no',
  );
});
