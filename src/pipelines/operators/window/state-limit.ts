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

  constructor(limits: StateLimits, path: string) {
    this.limits = limits;
    this.path = path;
  }

  /** Throws TG_STATE_FULL where there is no room for so many more keys, before anything of a record was taken in. */
  check(moreKeys: number): void {
    const { keys, bytes } = this.limits;
    const hasKeys = this.keys + moreKeys <= keys;
    if (moreKeys === 0 || (hasKeys && this.bytes < bytes)) return;
    const [which, setting] = hasKeys ? [`${bytes} bytes`, 'bytes'] : [`${keys} keys`, 'keys'];
    throw new TidegateError(
      'TG_STATE_FULL',
      `${this.path}: the state of a partition has reached its limit of ${which}; raise state.${setting}, or make the windows shorter`,
    );
  }
}
