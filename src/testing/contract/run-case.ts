import type { CaseContext } from './case.ts';
import type { LogFactory, LogUnderTest } from './fixture.ts';

interface Logs {
  readonly open: LogFactory;
  readonly shared?: () => LogUnderTest;
}

/** Runs one case on a log, and cleans up behind it. Resolves with why it was skipped. */
export async function runCase(
  { open, shared }: Logs,
  needsOwn: boolean,
  run: (t: CaseContext) => Promise<void>,
): Promise<string | undefined> {
  const isOwn = needsOwn || shared === undefined;
  const under = isOwn ? await open() : shared();
  const cleanUps: (() => unknown)[] = isOwn ? [() => under.dispose()] : [];
  let skipped: string | undefined;
  const skip = (why: string) => {
    skipped = why;
  };
  let failure: { readonly error: unknown } | undefined;
  try {
    await run({ log: under.log, under, after: (cleanUp) => cleanUps.push(cleanUp), skip });
  } catch (error) {
    failure = { error };
  }
  // What a case fails with comes before what fails while it is cleaned up.
  for (const cleanUp of cleanUps.reverse()) {
    try {
      await cleanUp();
    } catch (error) {
      failure ??= { error };
    }
  }
  if (failure !== undefined) throw failure.error;
  return skipped;
}
