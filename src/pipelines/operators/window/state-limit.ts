import { TidegateError } from '../../../sdk/index.ts';

export interface StateLimits {
  readonly keys: number;
  readonly bytes: number;
}

/** What an operator keeps in one partition, and whether there is room for more. */
export class StateSize {
  keys = 0;
  bytes = 0;
  windows = 0;
  private readonly limits: StateLimits;
  private readonly path: string;

  constructor(limits: StateLimits, path: string) {
    this.limits = limits;
    this.path = path;
  }

  /** Whether there is room for so many more keys. Those that it has may grow. */
  hasRoomFor(moreKeys: number): boolean {
    const { keys, bytes } = this.limits;
    return moreKeys === 0 || (this.keys + moreKeys <= keys && this.bytes < bytes);
  }

  /** Throws TG_STATE_FULL where there is no room for so many more keys. */
  check(moreKeys: number): void {
    if (this.hasRoomFor(moreKeys)) return;
    const { keys, bytes } = this.limits;
    const isOfKeys = this.keys + moreKeys > keys;
    const [which, setting] = isOfKeys ? [`${keys} keys`, 'keys'] : [`${bytes} bytes`, 'bytes'];
    throw new TidegateError(
      'TG_STATE_FULL',
      `${this.path}: the state of a partition has reached its limit of ${which}; raise state.${setting}, or make the windows shorter`,
    );
  }
}
