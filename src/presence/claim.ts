/** A member's record that has no tombstone yet, of an incarnation that has not been declared dead. */
export interface Claim<M> {
  readonly key: string;
  readonly incarnation: string;
  readonly seq: number;
  readonly member: M;
}

export interface ClaimChange<M> {
  readonly type: 'joined' | 'left';
  readonly claim: Claim<M>;
}

/** Which claims are members, by the records in their order alone. */
export interface Claims<M> {
  readonly size: number;
  /** What the claim changes; undefined where it has lost. `isInDoubt`: it is read during a rebuild. */
  add(claim: Claim<M>, isInDoubt: boolean): ClaimChange<M> | undefined;
  /** They end together. */
  remove(claims: readonly Claim<M>[]): ClaimChange<M>[];
}
