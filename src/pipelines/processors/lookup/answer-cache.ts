import type { Clock } from '../../../sdk/index.ts';
import { type KeptLimits, sizeOf } from './kept-values.ts';
import type { Found } from './table.ts';

interface Answer {
  readonly text: Found;
  /** Of the question and the text, in bytes. */
  readonly size: number;
  /** By the monotonic clock. */
  readonly until: number;
}

/** Answers by what was asked, each for a while; where there is no room those go that were asked for least recently. */
export class AnswerCache {
  bytes = 0;
  private readonly answers = new Map<string, Answer>();
  private readonly limits: KeptLimits;
  private readonly clock: Clock;

  constructor(limits: KeptLimits, clock: Clock) {
    this.limits = limits;
    this.clock = clock;
  }

  get keys(): number {
    return this.answers.size;
  }

  /** undefined where nothing is known; an answer may say that there is no value. */
  get(question: string): { readonly text: Found } | undefined {
    const answer = this.answers.get(question);
    if (answer === undefined) return undefined;
    this.remove(question, answer);
    if (answer.until <= this.clock.elapsed()) return undefined;
    this.add(question, answer);
    return answer;
  }

  /** `lifetime`: in milliseconds; 0 keeps nothing. */
  put(question: string, text: Found, lifetime: number): void {
    const known = this.answers.get(question);
    if (known !== undefined) this.remove(question, known);
    const size = sizeOf(question, text ?? '');
    const { keys, bytes } = this.limits;
    if (lifetime === 0 || keys === 0 || size > bytes) return;
    this.add(question, { text, size, until: this.clock.elapsed() + lifetime });
    for (const [oldest, answer] of this.answers) {
      if (this.answers.size <= keys && this.bytes <= bytes) return;
      this.remove(oldest, answer);
    }
  }

  private add(question: string, answer: Answer): void {
    this.answers.set(question, answer);
    this.bytes += answer.size;
  }

  private remove(question: string, { size }: Answer): void {
    this.answers.delete(question);
    this.bytes -= size;
  }
}
