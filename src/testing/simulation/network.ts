import type { Processor } from '../../core/component.ts';
import { TidegateError } from '../../core/errors.ts';

/** Our processors that may ask HTTP servers. */
export const ASKING: ReadonlySet<string> = new Set(['lookup', 'encode', 'decode']);
/** Settings of our processors under which an HTTP server is named. */
const SERVERS = ['http', 'registry'];
const MAX_DEPTH = 5;

/** Whether a processor with these settings asks an HTTP server. */
export function asksServer(settings: unknown, depth = 0): boolean {
  if (typeof settings !== 'object' || settings === null || depth > MAX_DEPTH) return false;
  return Object.entries(settings).some(
    ([name, value]) => (SERVERS.includes(name) && typeof value === 'object') || asksServer(value, depth + 1),
  );
}

/** A processor that would ask an HTTP server, in a test that did not say that it may. */
export function refusedProcessor(path: string): Processor {
  return {
    process: () => {
      throw new TidegateError(
        'TG_PROCESSOR_FAILED',
        `${path} would ask an HTTP server; give it a label and mock it, or start the simulation with network: true`,
      );
    },
  };
}
