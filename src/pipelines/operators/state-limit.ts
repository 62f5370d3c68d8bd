import { TidegateError } from '../../sdk/index.ts';

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
  private readonly remedy: string;

  /** `remedy`: what the user can do besides raising the limit. */
  constructor(limits: StateLimits, path: string, remedy = 'make the windows shorter') {
    this.limits = limits;
    this.path = path;
    this.remedy = remedy;
  }

  /** Whether there is room for so many more keys. `grows`: what is kept of a known key grows without end; it may grow otherwise. */
  hasRoomFor(moreKeys: number, grows = false): boolean {
    const { keys, bytes } = this.limits;
    return (moreKeys === 0 && !grows) || (this.keys + moreKeys <= keys && this.bytes < bytes);
  }

  /** Throws TG_STATE_FULL where there is no room, before anything of a record was taken in. */
  check(moreKeys: number, grows = false): void {
    if (this.hasRoomFor(moreKeys, grows)) return;
    const { keys, bytes } = this.limits;
    const isOfKeys = this.keys + moreKeys > keys;
    const [which, setting] = isOfKeys ? [`${keys} keys`, 'keys'] : [`${bytes} bytes`, 'bytes'];
    throw new TidegateError(
      'TG_STATE_FULL',
      `${this.path}: the state of a partition has reached its limit of ${which}; raise state.${setting}, or ${this.remedy}`,
    );
  }
}
