import type { Mark } from '../../core/group-state.ts';

/** As many as a commit has room for, beside the rest of its note. */
const MAX_MARKS = 64;

interface Move {
  readonly at: number;
  watermark: number;
}

/** All that was kept was given out early, in front of the record of that offset. */
export interface EarlyRelease {
  readonly at: number;
  isStored: boolean;
}

/**
 * What happened to the state of a partition and would not happen by reading again, by the offset of the record in front
 * of which it did. Those that were noted before are repeated when reading comes to their place.
 */
export class Marks {
  /** Reading is behind their place. */
  private behind: (Move | EarlyRelease)[] = [];
  /** Reading has not come to their place yet. */
  private readonly ahead: (Move | EarlyRelease)[];
  /** The clock's last move, while no record has come since. */
  private lastMove: Move | undefined;

  constructor(noted: readonly Mark[] = []) {
    this.ahead = noted.map((mark) => ({ ...mark }));
  }

  /** The clock's next move that is to be repeated in front of the record that is read; undefined where there is none. */
  nextMove(offset: number): number | undefined {
    const [first] = this.ahead;
    if (first === undefined || !isMove(first) || first.at > offset) return undefined;
    this.ahead.shift();
    this.behind.push(first);
    this.lastMove = first;
    return first.watermark;
  }

  /** Whether an early release is to be repeated now, as the record is read in front of which it was, or that record is gone. */
  takeEarlyRelease(offset: number): EarlyRelease | undefined {
    const [first] = this.ahead;
    if (first === undefined || isMove(first) || first.at > offset) return undefined;
    this.ahead.shift();
    this.behind.push(first);
    return first;
  }

  /** The clock has moved the watermark, and the record of that offset, or a later one, comes next. */
  moved(at: number, watermark: number): void {
    const list = this.ahead.length > 0 ? this.ahead : this.behind;
    const last = list.at(-1);
    if (last !== undefined && isMove(last) && last.at >= at) {
      last.watermark = Math.max(last.watermark, watermark);
      this.lastMove = last;
      return;
    }
    this.lastMove = { at: Math.max(at, last?.at ?? at), watermark };
    list.push(this.lastMove);
    this.dropOneMove();
  }

  /** A record has come whose time moves the watermark to there: a move of the clock that does not exceed it made no difference. */
  overtaken(watermark: number): void {
    const { lastMove } = this;
    this.lastMove = undefined;
    if (lastMove !== undefined && lastMove.watermark <= watermark)
      this.behind = this.behind.filter((mark) => mark !== lastMove);
  }

  /** Undefined where there are as many as can be noted. */
  gaveEarly(at: number): EarlyRelease | undefined {
    const known = this.behind.find((mark): mark is EarlyRelease => !isMove(mark) && mark.at === at);
    if (known !== undefined) return known;
    if (this.behind.length + this.ahead.length >= MAX_MARKS) return undefined;
    const mark = { at, isStored: false };
    this.behind.push(mark);
    return mark;
  }

  /** What is to be noted where reading starts again at an offset with a watermark. What lies in front of it is forgotten. */
  from(replay: number, watermark: number): readonly Mark[] {
    this.behind = this.behind.filter((mark) =>
      isMove(mark) ? mark.at >= replay && mark.watermark > watermark : mark.at > replay,
    );
    return [...this.behind, ...this.ahead].map((mark) => ({ ...mark }));
  }

  /**
   * With more marks than a commit can note the oldest move is not repeated after a crash: one that was repeated already. If
   * there is none, the one that was just added is not, since this gateway has to repeat all others itself.
   */
  private dropOneMove(): void {
    if (this.behind.length + this.ahead.length <= MAX_MARKS) return;
    const oldest = this.behind.findIndex(isMove);
    if (oldest >= 0) this.behind.splice(oldest, 1);
    else this.ahead.pop();
  }
}

function isMove(mark: Move | EarlyRelease): mark is Move {
  return 'watermark' in mark;
}
