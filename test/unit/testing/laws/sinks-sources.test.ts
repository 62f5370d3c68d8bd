import { Writable } from 'node:stream';
import { describe, test } from 'node:test';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { Message } from '../../../../src/core/message.ts';
import { stdoutSinkTo } from '../../../../src/pipelines/sinks/stdout.ts';
import type { SinkSpec } from '../../../../src/sdk/define.ts';
import { sinkLaws } from '../../../../src/testing/laws/sink-laws.ts';
import { type SourceLawOptions, sourceLaws } from '../../../../src/testing/laws/source-laws.ts';

const RUNS = Number(process.env.RUNS ?? 10);

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

/** A server that confirms subscriptions in front of what it sends. */
const confirming: SourceLawOptions['feed'] = (contents, gateway) => {
  gateway.feed(() => [new Message(Buffer.from('{"event":"subscribed"}'))]);
  gateway.feed(() => contents.map(({ payload }) => new Message(payload)));
};

describe('the sources keep the laws', () => {
  for (const spec of builtinRegistry().all('source'))
    for (const { title, check } of sourceLaws(spec, {
      runs: RUNS,
      ...(spec.name === 'websocket_client' ? { feed: confirming } : {}),
    }))
      test(title, check);
});
