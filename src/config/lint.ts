import { lintEndpoints } from './lint-endpoints.ts';
import { lintExpressions, lintUnevaluated } from './lint-expressions.ts';
import { lintLog } from './lint-log.ts';
import { lintPipelines } from './lint-pipelines.ts';
import type { Finding } from './problem.ts';
import type { ParsedConfig } from './schema.ts';

/** Settings that are understood one by one, but do not go together. `source`: the file as it was read. */
export function lint(config: ParsedConfig, source: unknown): Finding[] {
  return [
    ...lintLog(config),
    ...lintEndpoints(config),
    ...lintPipelines(config),
    ...lintExpressions(config),
    ...lintUnevaluated(config, source),
  ];
}
