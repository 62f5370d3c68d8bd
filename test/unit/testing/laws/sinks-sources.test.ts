import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { stdoutSinkTo } from '../../../../src/pipelines/sinks/stdout.ts';
import type { SinkSpec } from '../../../../src/sdk/define.ts';
import { sinkLaws } from '../../../../src/testing/laws/sink-laws.ts';
import { sourceLaws } from '../../../../src/testing/laws/source-laws.ts';

const RUNS = Number(process.env.RUNS ?? 25);

/** A pipe whose reader takes each line in the next turn. */
const quietOutput = () => new Writable({ write: (_chunk, _encoding, done) => void setImmediate(done) });

describe('the sinks keep the laws', () => {
  // What the output of this process would get is not of interest.
  const quiet = stdoutSinkTo(quietOutput) as unknown as SinkSpec;
  for (const spec of builtinRegistry()
    .all('sink')
    .map((one) => (one.name === 'stdout' ? quiet : one)))
    for (const { title, check } of sinkLaws(spec, { runs: RUNS })) test(title, check);
});

describe('the sources keep the laws', () => {
  for (const spec of builtinRegistry().all('source'))
    for (const { title, check } of sourceLaws(spec, { runs: RUNS })) test(title, check);
});
