import type { Definition } from './definition.ts';

/** Definitions of one group, counted from 1 as Connect does. */
export function inOrder(group: string, definitions: readonly Omit<Definition, 'group' | 'order'>[]): Definition[] {
  return definitions.map((definition, index) => ({ ...definition, group, order: index + 1 }));
}
