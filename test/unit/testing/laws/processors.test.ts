import { describe, test } from 'node:test';
import { builtinRegistry } from '../../../../src/config/index.ts';
import { processorLaws } from '../../../../src/testing/laws/processor-laws.ts';

/** Runs of each law, for each of the settings: what they are for is found by the first ones. */
const RUNS = Number(process.env.RUNS ?? 10);

describe('the processors keep the laws', () => {
  for (const spec of builtinRegistry().all('processor'))
    for (const { title, check } of processorLaws(spec, { runs: RUNS })) test(title, check);
});
