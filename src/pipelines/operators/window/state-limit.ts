import { TidegateError } from '../../../sdk/index.ts';

export interface StateLimits {
  readonly keys: number;
  readonly bytes: number;
}

/** What an operator keeps in one partition, and whether there is room for more. */
export class StateSize {
  keys = 0;
  bytes = 0;
  private readonly limits: StateLimits;
  private readonly path: string;
  private readonly remedy: string;

  /** `remedy`: what the user can do besides raising the limit. */
  constructor(limits: StateLimits, path: string, remedy = 'make the windows shorter') {
    this.limits = limits;
    this.path = path;
    this.remedy = remedy;
  }

  /**
   * Throws TG_STATE_FULL where there is no room for so many more keys, before anything of a record was taken in. `grows`: what
   * is kept of a known key grows without end.
   */
  check(moreKeys: number, grows = false): void {
    const { keys, bytes } = this.limits;
    const hasKeys = this.keys + moreKeys <= keys;
    if ((moreKeys === 0 && !grows) || (hasKeys && this.bytes < bytes)) return;
    const [which, setting] = hasKeys ? [`${bytes} bytes`, 'bytes'] : [`${keys} keys`, 'keys'];
    throw new TidegateError(
      'TG_STATE_FULL',
      `${this.path}: the state of a partition has reached its limit of ${which}; raise state.${setting}, or ${this.remedy}`,
    );
  }
}
