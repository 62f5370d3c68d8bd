import type { Effect } from '../../core/effect.ts';

/**
 * What frames ask for and is not done yet, as their peer has not taken the answers before it: one frame may ask for thousands of
 * large ones.
 */
export class RestOfFrames {
  /** Bytes of these frames. */
  bytes = 0;
  private effects: readonly Effect[] = [];
  private isGoingOn = false;

  /** Also while it is being done: nothing that comes may overtake it. */
  get isThere(): boolean {
    return this.effects.length > 0 || this.isGoingOn;
  }

  keep(effects: readonly Effect[], bytes: number): void {
    this.effects = [...this.effects, ...effects];
    this.bytes += bytes;
  }

  /** Has it done; what is left then is kept again. What it sets off does not begin with it once more. */
  goOn(carryOut: (effects: readonly Effect[], bytes: number) => void): void {
    const { effects, bytes, isGoingOn } = this;
    if (isGoingOn || effects.length === 0) return;
    this.isGoingOn = true;
    this.forget();
    carryOut(effects, bytes);
    this.isGoingOn = false;
  }

  forget(): void {
    this.effects = [];
    this.bytes = 0;
  }
}
