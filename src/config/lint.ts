import { lintEndpoints } from './lint-endpoints.ts';
import { lintPipelines } from './lint-pipelines.ts';
import type { Finding } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

/** Settings that are understood one by one, but do not go together. */
export function lint(config: ParsedConfig): Finding[] {
  return [...lintEndpoints(config), ...lintPipelines(config)];
}
