import type { WholePlugin } from './record-plugin.ts';

/** Ends every record that it is given; its predicate chooses those. */
export const filter: WholePlugin = { name: 'Filter', settings: [], create: () => () => null };
