/** Limits of a gate. It shuts when either high mark is reached and opens again when both counts are at or below the low mark. */
export interface GateLimits {
  /** Messages in flight at which the gate shuts. */
  readonly messages: number;
  /** Bytes in flight at which the gate shuts. */
  readonly bytes: number;
  /** Part of the high marks at which it opens again, 0 < low < 1. */
  readonly low?: number;
}

const DEFAULT_LOW = 0.5;

/**
 * Counts what is in flight and says when the source has to stop. Taking never fails: a source that was asked to
 * stop may still hand over what it had read (one fetch, or one read chunk a socket), so the true ceiling is
 * the high mark plus that.
 */
export class CreditGate {
  readonly limits: Required<GateLimits>;
  messages = 0;
  bytes = 0;
  private shut = false;
  private readonly changed: (open: boolean) => void;

  constructor(limits: GateLimits, changed: (open: boolean) => void) {
    this.limits = { low: DEFAULT_LOW, ...limits };
    this.changed = changed;
  }

  get isOpen(): boolean {
    return !this.shut;
  }

  take(messages: number, bytes: number): void {
    this.messages += messages;
    this.bytes += bytes;
    if (!this.shut && (this.messages >= this.limits.messages || this.bytes >= this.limits.bytes)) {
      this.shut = true;
      this.changed(false);
    }
  }

  give(messages: number, bytes: number): void {
    this.messages -= messages;
    this.bytes -= bytes;
    const { low } = this.limits;
    if (this.shut && this.messages <= this.limits.messages * low && this.bytes <= this.limits.bytes * low) {
      this.shut = false;
      this.changed(true);
    }
  }
}
