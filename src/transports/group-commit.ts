import { isDeepStrictEqual } from 'node:util';
import type { StateNote } from '../core/group-state.ts';

/** What a group commits of a partition. */
export interface GroupCommit {
  /** Next offset to be read. */
  readonly offset: number;
  /** How the state of operators is rebuilt at that offset; undefined where nothing is kept. */
  readonly note?: StateNote | undefined;
}

export function isSameCommit(one: GroupCommit | undefined, other: GroupCommit | undefined): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one.offset === other.offset && isDeepStrictEqual(one.note, other.note);
}

/**
 * Whether a commit would change nothing. One without a note leaves the note at its offset alone: a member that keeps no
 * state, and has processed nothing, takes nothing from the one that had the partition before it.
 */
export function isKnown(commit: GroupCommit, known: GroupCommit | undefined): boolean {
  return commit.note === undefined ? commit.offset === known?.offset : isSameCommit(commit, known);
}
