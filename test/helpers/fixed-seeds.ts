import fc from 'fast-check';

/*
 * Loaded in front of each test file of `npm test`: properties draw the same cases every time, so that a change is judged
 * by what it changes. Fresh cases are drawn by `npm run soak -- property`, and by a single file under `tsx --test`.
 */
fc.configureGlobal({ seed: 20_261_129 });
