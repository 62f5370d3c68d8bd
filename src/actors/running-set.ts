/** Something that runs until it is not desired any more: a pipeline, or a connector's task. */
export interface Unit {
  /** Reads nothing more, and resolves when what was read is finished. Never rejects. */
  drained(): Promise<void>;
  /** Drops what is unfinished and releases everything. Never rejects. */
  close(): Promise<void>;
}

/** What is to run under a key. */
export interface Desired<U extends Unit> {
  /** Two are the same if they are identical (`===`). A unit of another version is replaced. */
  readonly version: unknown;
  readonly create: () => U;
  /** Brings a unit of this version into the state that it is to be in, such as started: called at each comparison. */
  readonly apply?: (unit: U) => void;
}

/** What has to change, by key, so that what is desired runs and nothing else. */
export interface Difference {
  readonly added: readonly string[];
  readonly replaced: readonly string[];
  readonly removed: readonly string[];
}

/** Compares two sets by key and version. */
export function differenceOf(
  running: ReadonlyMap<string, { readonly version: unknown }>,
  desired: ReadonlyMap<string, { readonly version: unknown }>,
): Difference {
  return {
    added: [...desired.keys()].filter((key) => !running.has(key)),
    replaced: [...running].flatMap(([key, { version }]) => {
      const next = desired.get(key);
      return next !== undefined && next.version !== version ? [key] : [];
    }),
    removed: [...running.keys()].filter((key) => !desired.has(key)),
  };
}

export interface RunningSetOptions<U extends Unit> {
  /** What is to run, by key: asked for at each comparison. */
  readonly desired: () => ReadonlyMap<string, Desired<U>>;
  /** Nothing of a unit is left. A comparison is due, as another unit may wait for the key. */
  readonly removed: (key: string, unit: U) => void;
}

interface Entry<U> {
  readonly unit: U;
  readonly version: unknown;
  /** Ends when it is drained; undefined while it is to go on. */
  draining: Promise<void> | undefined;
}

const NOTHING: Difference = { added: [], replaced: [], removed: [] };

/**
 * The one way in which units come and go, at the start, when the configuration changes and when work moves between
 * gateways: what is desired is compared with what runs, and the difference is drained, replaced or started. Only one unit
 * runs under a key: the next one is created once nothing of the one before is left.
 */
export class RunningSet<U extends Unit> {
  private readonly options: RunningSetOptions<U>;
  private readonly entries = new Map<string, Entry<U>>();
  private isEnding = false;
  private isClosed = false;
  private readonly whenEmpty: (() => void)[] = [];
  private readonly whenReplaced: (() => void)[] = [];

  constructor(options: RunningSetOptions<U>) {
    this.options = options;
  }

  /** What runs or drains, by key. */
  get units(): ReadonlyMap<string, U> {
    return new Map([...this.entries].map(([key, { unit }]) => [key, unit]));
  }

  /** What runs and is to go on, by key. */
  get ongoing(): ReadonlyMap<string, U> {
    return new Map([...this.goingOn()].map(([key, { unit }]) => [key, unit]));
  }

  /** Compares. Throws what `create` throws; the units behind that one are not created then. */
  reconcile(): Difference {
    if (this.isEnding) return NOTHING;
    const desired = this.options.desired();
    const difference = differenceOf(this.goingOn(), desired);
    for (const key of [...difference.removed, ...difference.replaced]) this.end(key);
    for (const [key, { version, create }] of desired)
      if (!this.entries.has(key)) this.entries.set(key, { unit: create(), version, draining: undefined });
    for (const [key, { unit }] of this.goingOn()) desired.get(key)?.apply?.(unit);
    return difference;
  }

  /** Closes a unit without draining it. It counts as running until that is over. */
  drop(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    entry.draining ??= Promise.resolve();
    void entry.unit.close().then(() => this.remove(key, entry));
  }

  /** Resolves when nothing drains any more: what was to be replaced is, or everything was closed. */
  replaced(): Promise<void> {
    if (this.isReplaced) return Promise.resolve();
    return new Promise((resolve) => this.whenReplaced.push(resolve));
  }

  /** Drops what drains. */
  giveUp(): void {
    for (const [key, { draining }] of this.entries) if (draining !== undefined) this.drop(key);
  }

  /** Resolves when nothing runs or drains any more, or everything was closed. */
  emptied(): Promise<void> {
    if (this.entries.size === 0 || this.isClosed) return Promise.resolve();
    return new Promise((resolve) => this.whenEmpty.push(resolve));
  }

  /** Drains these units, which stay in the set until `close`: for an end in several steps. Nothing is compared any more. */
  async drained(isMeant: (key: string) => boolean): Promise<void> {
    this.isEnding = true;
    const meant = [...this.entries].filter(([key]) => isMeant(key));
    await Promise.all(meant.map(([, entry]) => drainedOnce(entry)));
  }

  /** Closes everything at once, each to its end also if another one fails, and reports nothing as removed any more. */
  async close(): Promise<void> {
    this.isEnding = true;
    this.isClosed = true;
    this.resolveIfEmpty();
    for (const resolve of this.whenReplaced.splice(0)) resolve();
    await Promise.allSettled([...this.entries.values()].map(({ unit }) => unit.close()));
  }

  private goingOn(): Map<string, Entry<U>> {
    return new Map([...this.entries].filter(([, { draining }]) => draining === undefined));
  }

  private end(key: string): void {
    const entry = this.entries.get(key);
    if (entry === undefined) return;
    void drainedOnce(entry)
      .then(() => entry.unit.close())
      .then(() => this.remove(key, entry));
  }

  private remove(key: string, entry: Entry<U>): void {
    // A unit that is dropped while it drains comes here twice.
    if (this.isClosed || this.entries.get(key) !== entry) return;
    this.entries.delete(key);
    this.options.removed(key, entry.unit);
    this.resolveIfEmpty();
    if (this.isReplaced) for (const resolve of this.whenReplaced.splice(0)) resolve();
  }

  private get isReplaced(): boolean {
    return this.isClosed || [...this.entries.values()].every(({ draining }) => draining === undefined);
  }

  private resolveIfEmpty(): void {
    if (this.entries.size > 0 && !this.isClosed) return;
    for (const resolve of this.whenEmpty.splice(0)) resolve();
  }
}

function drainedOnce(entry: Entry<Unit>): Promise<void> {
  entry.draining ??= entry.unit.drained();
  return entry.draining;
}
