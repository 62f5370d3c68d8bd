import type jsonata from 'jsonata';
import { lazyLibrary } from '../core/lazy-library.ts';

/** JSONata, which takes a tenth of the time of a start to load: it is loaded with the first expression that is more than a path. */
export const jsonataLibrary = lazyLibrary<typeof jsonata>('jsonata');
