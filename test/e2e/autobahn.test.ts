import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { createGateway } from '../../src/index.ts';
import { type Behavior, runAutobahn, type Verdict, WSTEST } from '../services/autobahn.ts';

/* RFC 6455 as the Autobahn test suite checks it; docs/conformance.md has the table. */

/** All of it but what measures speed (9) and compression (12, 13). */
const SECTIONS: Readonly<Record<string, number>> = { 1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 10: 1 };

/**
 * A message, then a frame that breaks the rules: the gateway sends messages back by way of a pipeline, and closes at once for
 * the frame, so that the message may be lost. A server that answers in place sends it first.
 */
const MAY_CLOSE_FIRST = /^(3\.[234]|4\.[12]\.[345]|5\.15|6\.4\.[1-4])$/;
/** Cases that have no right or wrong. */
const INFORMATIONAL = /^7\.(1\.6|13\.[12])$/;

suite('RFC 6455, by the Autobahn test suite', { skip: WSTEST === undefined && 'WSTEST_BIN is not set' }, () => {
  test('every case is as the specification says', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'tidegate-autobahn-log-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const gateway = await createGateway({
      config: {
        log: { driver: 'embedded', embedded: { path: folder } },
        admin: { enabled: false },
        listeners: { public: { port: 0, host: '127.0.0.1' } },
        endpoints: { echo: { listener: 'public', path: '/', codec: 'raw' } },
        pipelines: { back: { source: { endpoint: 'echo' }, sink: { endpoint: 'echo' } } },
      },
    });
    t.after(() => gateway.stop());
    await gateway.start();
    await gateway.ready();
    const verdicts = await runAutobahn(
      `ws://127.0.0.1:${gateway.ports().listeners.public}`,
      Object.keys(SECTIONS).map((section) => `${section}.*`),
    );
    for (const [section, cases] of Object.entries(SECTIONS))
      assert.equal([...verdicts.keys()].filter((id) => id.startsWith(`${section}.`)).length, cases, `of ${section}`);
    const wrong = [...verdicts].filter(([id, { behavior, behaviorClose }]) => {
      return !allowed(id).includes(behavior) || !(['OK', 'INFORMATIONAL'] as Behavior[]).includes(behaviorClose);
    });
    assert.deepEqual(new Map<string, Verdict>(wrong), new Map());
  });
});

function allowed(id: string): readonly Behavior[] {
  if (INFORMATIONAL.test(id)) return ['OK', 'INFORMATIONAL'];
  return MAY_CLOSE_FIRST.test(id) ? ['OK', 'NON-STRICT'] : ['OK'];
}
