import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ComponentSpec } from '../../../../src/sdk/define.ts';
import { codecLaws } from '../../../../src/testing/laws/codec-laws.ts';
import { type Law, LawError } from '../../../../src/testing/laws/law.ts';
import { operatorLaws } from '../../../../src/testing/laws/operator-laws.ts';
import { processorLaws } from '../../../../src/testing/laws/processor-laws.ts';
import { sinkLaws } from '../../../../src/testing/laws/sink-laws.ts';
import { sourceLaws } from '../../../../src/testing/laws/source-laws.ts';
import * as ends from './broken-ends.ts';
import { MESSAGES } from './broken-messages.ts';
import * as parts from './broken-parts.ts';

/* Components with one mistake each are caught by a law, whose message says what is wrong and what to do. */

const OPTIONS = { seed: 17, timeout: 50 };

function lawsOf(spec: ComponentSpec): Law[] {
  switch (spec.kind) {
    case 'processor':
      return processorLaws(spec, OPTIONS);
    case 'operator':
      return operatorLaws(spec, OPTIONS);
    case 'sink':
      return sinkLaws(spec, OPTIONS);
    case 'source':
      return sourceLaws(spec, { ...OPTIONS, pauseBound: 0, feed: (contents) => ends.arrive(contents) });
    case 'codec':
      return codecLaws(spec, {
        ...OPTIONS,
        ...(spec.name === 'loses_headers' ? { roundTrip: ['payload', 'headers'] } : {}),
      });
  }
}

/** The first law that is broken. */
async function firstError(laws: readonly Law[]): Promise<LawError | undefined> {
  for (const { check } of laws) {
    try {
      await check();
    } catch (error) {
      assert.ok(error instanceof LawError, String(error));
      return error;
    }
  }
  return undefined;
}

const specs = [...Object.values(parts), ...Object.values(ends)].filter(
  (one) => typeof one === 'object' && 'kind' in one,
);

for (const spec of specs as ComponentSpec[]) {
  const expected = MESSAGES[spec.name];
  const title = `${spec.kind} ${spec.name}: ${expected === undefined ? 'keeps the laws' : 'is caught'}`;
  test(title, async () => {
    const error = await firstError(lawsOf(spec));
    assert.deepEqual(error?.message.split('\n').slice(0, -1), expected);
    if (error === undefined) return;
    assert.equal(error.component, spec.name);
    assert.match(error.message, /\nto see it again: \{ seed: 17, path: "[\d:]+" \}$/);
    // The path leads to the same input at once.
    assert.equal(error.seed, 17);
  });
}
