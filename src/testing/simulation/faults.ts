import { TidegateError } from '../../core/errors.ts';

/**
 * What the next send to a topic meets:
 * - `refuse`: the log will never take the records (TG_RECORD_REFUSED)
 * - `lost`: no answer comes, and nothing is stored; the same records are sent again
 * - `unanswered`: no answer comes, though the records are stored; they are sent again and the log knows them
 * - `duplicate`: the same, but by another producer: the log stores them a second time
 * - `late`: the records are stored, and the answer comes after `after` milliseconds
 */
export type SendFault =
  | { readonly type: 'refuse' }
  | { readonly type: 'lost' }
  | { readonly type: 'unanswered' }
  | { readonly type: 'duplicate' }
  | { readonly type: 'late'; readonly after: number };

/** Faults that a test puts into a log. Each meets one send; several of a topic meet its sends in their order. */
export class LogFaults {
  private readonly planned = new Map<string, SendFault[]>();
  private readonly reached: (isUp: boolean) => void;
  private up = true;

  /** `reached` is called when the link to the log goes down, and when it comes back. */
  constructor(reached: (isUp: boolean) => void) {
    this.reached = reached;
  }

  get isUp(): boolean {
    return this.up;
  }

  /** Faults that no send has met yet. */
  get pending(): number {
    return [...this.planned.values()].reduce((sum, { length }) => sum + length, 0);
  }

  /** For the next send to this topic, or to whichever comes first for `*`. */
  next(topic: string, fault: SendFault): void {
    const known = this.planned.get(topic);
    if (known === undefined) this.planned.set(topic, [fault]);
    else known.push(fault);
  }

  /** Nothing is stored, read or committed until `linkUp`. */
  linkDown(): void {
    this.turn(false);
  }

  linkUp(): void {
    this.turn(true);
  }

  /** No fault meets anything from here on. */
  clear(): void {
    this.planned.clear();
    this.linkUp();
  }

  /** The fault of a send to these topics. */
  take(topics: readonly string[]): SendFault | undefined {
    for (const topic of [...topics, '*']) {
      const fault = this.planned.get(topic)?.shift();
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  private turn(isUp: boolean): void {
    if (this.up === isUp) return;
    this.up = isUp;
    this.reached(isUp);
  }
}

export function linkIsDown(): TidegateError {
  return new TidegateError('TG_LOG_UNAVAILABLE', 'the test has taken the log away');
}
