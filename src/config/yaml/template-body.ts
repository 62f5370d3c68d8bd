import type { Path } from '../problem/problem.ts';

/** What a template is made of: the settings of a pipeline, or entries of its processors. */
export const BODIES = ['pipeline', 'processors'] as const;
export type Body = (typeof BODIES)[number];

/** Whether a setting is in the body of a template, where parameters are filled in: `templates.NAME.pipeline.sink`. */
export function isOfTemplate([section, , body]: Path): boolean {
  return section === 'templates' && BODIES.some((name) => name === body);
}
