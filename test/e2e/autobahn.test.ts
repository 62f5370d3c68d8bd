import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { createGateway } from '../../src/index.ts';
import { type Behavior, runAutobahn, type Verdict, WSTEST } from '../services/autobahn.ts';

/* RFC 6455 as the Autobahn test suite checks it; docs/conformance.md has the table. */

/** All of it but what measures speed (9), and compression (12, 13), see below. */
const SECTIONS: Readonly<Record<string, number>> = { 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 10: 1 };

/** Of 216 cases with a thousand messages each: short and longer ones of each kind of text, and one of each offer. */
const COMPRESSION = [
  ...['12.1.1', '12.1.4', '12.1.7', '12.2.3', '12.3.3', '12.4.3'],
  ...['13.1.3', '13.2.3', '13.3.3', '13.4.3', '13.5.3', '13.6.3', '13.7.3'],
];
/** They ask for a window of 8 or 9 bits, which is declined. */
const DECLINED = ['13.3.3', '13.5.3'];

/**
 * A message, then a frame that breaks the rules: the gateway sends messages back by way of a pipeline, and closes at once for
 * the frame, so that the message may be lost. A server that answers in place sends it first.
 */
const MAY_CLOSE_FIRST = /^(3\.[234]|4\.[12]\.[345]|5\.15|6\.4\.[1-4])$/;
/** Cases that have no right or wrong. */
const INFORMATIONAL = /^7\.(1\.6|13\.[12])$/;

suite('RFC 6455, by the Autobahn test suite', { skip: WSTEST === undefined && 'WSTEST_BIN is not set' }, () => {
  test('every case is as the specification says', async (t) => {
    const url = await echo(t);
    const verdicts = await runAutobahn(
      url,
      Object.keys(SECTIONS).map((section) => `${section}.*`),
    );
    for (const [section, cases] of Object.entries(SECTIONS))
      assert.equal([...verdicts.keys()].filter((id) => id.startsWith(`${section}.`)).length, cases, `of ${section}`);
    const wrong = [...verdicts].filter(([id, { behavior, behaviorClose }]) => {
      return !allowed(id).includes(behavior) || !(['OK', 'INFORMATIONAL'] as Behavior[]).includes(behaviorClose);
    });
    assert.deepEqual(new Map<string, Verdict>(wrong), new Map());
  });

  test('compressed messages are as RFC 7692 says, and what is not offered is declined', async (t) => {
    const verdicts = await runAutobahn(await echo(t, { compression: { threshold: '1B' } }), COMPRESSION);
    const expected = COMPRESSION.map((id) => [id, DECLINED.includes(id) ? 'UNIMPLEMENTED' : 'OK', 'OK']);
    const found = [...verdicts].map(([id, { behavior, behaviorClose }]) => [id, behavior, behaviorClose]);
    assert.deepEqual(found.sort(), expected.sort());
  });
});

/** URL of a gateway that sends every message back. */
async function echo(t: TestContext, settings: { readonly compression?: { readonly threshold: string } } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-autobahn-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const gateway = await createGateway({
    config: {
      log: { driver: 'embedded', embedded: { path: folder } },
      admin: { enabled: false },
      listeners: { public: { port: 0, host: '127.0.0.1' } },
      endpoints: { echo: { listener: 'public', path: '/', codec: 'raw', ...settings } },
      pipelines: { back: { source: { endpoint: 'echo' }, sink: { endpoint: 'echo' } } },
    },
  });
  t.after(() => gateway.stop());
  await gateway.start();
  await gateway.ready();
  return `ws://127.0.0.1:${gateway.ports().listeners.public}`;
}

function allowed(id: string): readonly Behavior[] {
  if (INFORMATIONAL.test(id)) return ['OK', 'INFORMATIONAL'];
  return MAY_CLOSE_FIRST.test(id) ? ['OK', 'NON-STRICT'] : ['OK'];
}
