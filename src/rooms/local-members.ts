import type { Member } from '../core/membership.ts';
import type { Newcomer, RoomCommand } from './port.ts';

/** Commands kept for a newcomer whose claim has not been read back; later ones are dropped. */
const MAX_EARLY = 100;

/**
 * - `waiting`: this gateway is not in the room yet
 * - `numbering`: a number has been asked for
 * - `claiming`: its claim is in flight, or in the log and not read back
 * - `in`: it is a member
 * - `gone`: it has left, was refused, or its incarnation is dead
 */
type Step = 'waiting' | 'numbering' | 'claiming' | 'in' | 'gone';

interface Applicant {
  readonly newcomer: Newcomer;
  step: Step;
  seq: number;
  /** Commands that came for it while it was claiming. */
  readonly early: RoomCommand[];
}

/** Writes to the log what the newcomers need. */
export interface ClaimWriter {
  /** Asks the log for a number that no other newcomer gets, on any gateway. */
  number(answer: (number: number) => void, isWanted: () => boolean): void;
  claim(seq: number, member: Member, isWanted: () => boolean): void;
  /** Writes the tombstone of a claim. */
  withdraw(seq: number): void;
}

const NO_DETAILS: Member['details'] = Object.freeze({});

/** The connections of this gateway that are members, or are becoming members: number, claim, claim read back. */
export class LocalMembers {
  private readonly writer: ClaimWriter;
  private readonly applicants = new Map<Newcomer, Applicant>();
  /** Those that are `claiming` or `in`, by the sequence number in the key of the claim. */
  private readonly claims = new Map<number, Applicant>();
  private isOpen = false;
  private lastSeq = 0;

  constructor(writer: ClaimWriter) {
    this.writer = writer;
  }

  /** Those that are `in`. */
  get all(): Newcomer[] {
    return [...this.applicants.values()].flatMap(({ step, newcomer }) => (step === 'in' ? [newcomer] : []));
  }

  /** Newcomers that have waited begin now, and later ones at once. */
  open(): void {
    this.isOpen = true;
    for (const applicant of this.applicants.values()) if (applicant.step === 'waiting') this.begin(applicant);
  }

  /** Newcomers wait from now on. */
  shut(): void {
    this.isOpen = false;
  }

  /** The incarnation is dead, and all its claims with it. */
  forget(): void {
    this.shut();
    for (const applicant of this.applicants.values()) applicant.step = 'gone';
    this.applicants.clear();
    this.claims.clear();
  }

  join(newcomer: Newcomer): void {
    const applicant: Applicant = { newcomer, step: 'waiting', seq: 0, early: [] };
    this.applicants.set(newcomer, applicant);
    if (this.isOpen) this.begin(applicant);
  }

  leave(newcomer: Newcomer): void {
    const applicant = this.applicants.get(newcomer);
    if (applicant === undefined) return;
    this.applicants.delete(newcomer);
    const { step } = applicant;
    applicant.step = 'gone';
    if (step !== 'claiming' && step !== 'in') return;
    this.claims.delete(applicant.seq);
    // The lane keeps the order: the tombstone is stored behind a claim that is still in flight.
    this.writer.withdraw(applicant.seq);
  }

  isIn(newcomer: Newcomer): boolean {
    return this.applicants.get(newcomer)?.step === 'in';
  }

  /** The newcomer with that claim, if it is `in`. */
  member(seq: number): Newcomer | undefined {
    const applicant = this.claims.get(seq);
    return applicant?.step === 'in' ? applicant.newcomer : undefined;
  }

  /** Other gateways may read a claim, and write to its member, before this gateway has read it. */
  commandEarly(seq: number, command: (newcomer: Newcomer) => RoomCommand): void {
    const applicant = this.claims.get(seq);
    if (applicant?.step !== 'claiming' || applicant.early.length >= MAX_EARLY) return;
    applicant.early.push(command(applicant.newcomer));
  }

  /** A claim of ours was read back and holds its name. Returns the newcomer that is `in` by it, if it is still here. */
  won(seq: number): { readonly newcomer: Newcomer; readonly early: readonly RoomCommand[] } | undefined {
    const applicant = this.claims.get(seq);
    if (applicant === undefined) return undefined;
    applicant.step = 'in';
    return { newcomer: applicant.newcomer, early: applicant.early.splice(0) };
  }

  /** A claim of ours was read back and has lost. Returns the newcomer that is refused because of it. */
  lost(seq: number): Newcomer | undefined {
    const applicant = this.claims.get(seq);
    if (applicant === undefined) return undefined;
    this.claims.delete(seq);
    this.writer.withdraw(seq);
    if (applicant.newcomer.identity.type === 'numbered') {
      // Another client has chosen this very name. There are more numbers.
      this.begin(applicant);
      return undefined;
    }
    applicant.step = 'gone';
    this.applicants.delete(applicant.newcomer);
    return applicant.newcomer;
  }

  private begin(applicant: Applicant): void {
    const { identity } = applicant.newcomer;
    if (identity.type === 'named') {
      this.claim(applicant, { name: identity.name, details: identity.details });
      return;
    }
    applicant.step = 'numbering';
    const answer = (number: number) => {
      if (applicant.step !== 'numbering') return;
      this.claim(applicant, { name: `${identity.prefix}${number}`, details: NO_DETAILS });
    };
    this.writer.number(answer, () => applicant.step === 'numbering');
  }

  private claim(applicant: Applicant, member: Member): void {
    this.lastSeq += 1;
    const seq = this.lastSeq;
    applicant.seq = seq;
    applicant.step = 'claiming';
    this.claims.set(seq, applicant);
    this.writer.claim(seq, member, () => applicant.step === 'claiming' && applicant.seq === seq);
  }
}
