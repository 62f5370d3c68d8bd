import type { Member } from '../../core/component.ts';
import type { Newcomer, Order } from './port.ts';

/** Orders that came before their member was read back; who is not read back by then gets no more. */
const MOST_EARLY = 100;

/**
 * - `waiting`: nobody can be let in yet
 * - `numbering`: its number is being asked for
 * - `claiming`: its record is under way, or in the log and not read back
 * - `in`: it was let in
 * - `gone`: it has left, or nobody wants it any more
 */
type Step = 'waiting' | 'numbering' | 'claiming' | 'in' | 'gone';

interface Applicant {
  readonly newcomer: Newcomer;
  step: Step;
  seq: number;
  /** What it is to be told once it is in. */
  readonly early: Order[];
}

export interface AdmissionDesk {
  /** Asks the log for a number that nobody else has. */
  number(answer: (number: number) => void, isWanted: () => boolean): void;
  claim(seq: number, member: Member, isWanted: () => boolean): void;
  bury(seq: number): void;
}

const NO_DETAILS: Member['details'] = Object.freeze({});

/** The connections of this gateway on their way into the room: number, claim, read back. */
export class Admission {
  private readonly desk: AdmissionDesk;
  private readonly applicants = new Map<Newcomer, Applicant>();
  /** By the number in its key: those who claim, or are in. */
  private readonly claims = new Map<number, Applicant>();
  private isOpen = false;
  private lastSeq = 0;

  constructor(desk: AdmissionDesk) {
    this.desk = desk;
  }

  /** Everyone who is in. */
  get members(): Newcomer[] {
    return [...this.applicants.values()].flatMap(({ step, newcomer }) => (step === 'in' ? [newcomer] : []));
  }

  /** Lets those begin who have waited. */
  open(): void {
    this.isOpen = true;
    for (const applicant of this.applicants.values()) if (applicant.step === 'waiting') this.begin(applicant);
  }

  /** Who comes from now on waits. */
  shut(): void {
    this.isOpen = false;
  }

  /** The incarnation that everyone applied to is dead. */
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
    // The lane keeps the order: the tombstone comes behind a record that is still under way.
    this.desk.bury(applicant.seq);
  }

  isIn(newcomer: Newcomer): boolean {
    return this.applicants.get(newcomer)?.step === 'in';
  }

  /** The member with that claim, if it is in. */
  member(seq: number): Newcomer | undefined {
    const applicant = this.claims.get(seq);
    return applicant?.step === 'in' ? applicant.newcomer : undefined;
  }

  /** Other gateways may read a claim, and write to its member, before this one has read it. */
  orderEarly(seq: number, order: (newcomer: Newcomer) => Order): void {
    const applicant = this.claims.get(seq);
    if (applicant?.step !== 'claiming' || applicant.early.length >= MOST_EARLY) return;
    applicant.early.push(order(applicant.newcomer));
  }

  /** A claim of ours was read back and has its name. Gives the newcomer that is in by it, if it is still here. */
  won(seq: number): { readonly newcomer: Newcomer; readonly early: readonly Order[] } | undefined {
    const applicant = this.claims.get(seq);
    if (applicant === undefined) return undefined;
    applicant.step = 'in';
    return { newcomer: applicant.newcomer, early: applicant.early.splice(0) };
  }

  /** A claim of ours was read back and came second. Gives the newcomer that has to be turned away for it. */
  lost(seq: number): Newcomer | undefined {
    const applicant = this.claims.get(seq);
    if (applicant === undefined) return undefined;
    this.claims.delete(seq);
    this.desk.bury(seq);
    if (applicant.newcomer.identity.type === 'numbered') {
      // Somebody has chosen this very name. There are more numbers.
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
    this.desk.number(answer, () => applicant.step === 'numbering');
  }

  private claim(applicant: Applicant, member: Member): void {
    this.lastSeq += 1;
    const seq = this.lastSeq;
    applicant.seq = seq;
    applicant.step = 'claiming';
    this.claims.set(seq, applicant);
    this.desk.claim(seq, member, () => applicant.step === 'claiming' && applicant.seq === seq);
  }
}
