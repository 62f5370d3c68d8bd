import type { TestContext } from 'node:test';

/** Skips a test whose service cannot start, loudly; under CI=true, where services have to be there, it fails instead. */
export function missingService(t: TestContext, name: string, error: unknown): undefined {
  const reason = `${name} cannot start: ${error instanceof Error ? error.message : String(error)}`;
  if (process.env.CI === 'true') throw new Error(reason, { cause: error });
  console.error(`SKIPPED, ${reason}`);
  t.skip(reason);
  return undefined;
}
