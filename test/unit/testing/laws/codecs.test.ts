import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { type CodecLawOptions, codecLaws } from '../../../../src/testing/laws/codec-laws.ts';
import { FUZZED_CODECS, hostileFrameContents } from '../../../helpers/hostile-frames.ts';

const RUNS = Number(process.env.RUNS ?? 25);

/** What comes back as it went out. */
const ROUND_TRIPS: Readonly<Record<string, Pick<CodecLawOptions, 'roundTrip'>>> = {
  raw: { roundTrip: ['payload'] },
};

describe('the codecs keep the laws', () => {
  const specs = builtinRegistry().all('codec');
  test('each codec has frames of its own', () => {
    for (const { name } of specs) assert.ok(FUZZED_CODECS.includes(name), name);
  });
  for (const spec of specs)
    for (const { title, check } of codecLaws(spec, {
      runs: RUNS,
      frames: hostileFrameContents(spec.name),
      ...ROUND_TRIPS[spec.name],
    }))
      test(title, check);
});
