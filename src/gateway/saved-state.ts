import type { Clock } from '../core/clock.ts';
import type { ComponentState, CursorStore } from '../sdk/context.ts';

const MAX_KEY = 200;
const MAX_KEYS = 1_000;
/** Bytes of a value as JSON. */
const MAX_VALUE = 65_536;

/** The component that it belongs to. */
interface Owner {
  readonly path: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The state of a component, in a compacted topic that is opened with its first use: most components have none. */
export class SavedState implements ComponentState {
  private readonly open: () => CursorStore;
  private readonly owner: Owner;
  private readonly keys = new Set<string>();
  private store: CursorStore | undefined;
  /** The first load makes sure that the topic is there. */
  private ready: Promise<unknown> | undefined;

  constructor(open: () => CursorStore, owner: Owner) {
    this.open = open;
    this.owner = owner;
  }

  async load(key: string): Promise<unknown> {
    const saved = await this.loaded(this.nameOf(key));
    return saved?.cursor === undefined ? undefined : JSON.parse(saved.cursor);
  }

  async save(key: string, value: unknown): Promise<void> {
    const name = this.nameOf(key);
    const cursor = value === undefined ? undefined : jsonOf(value, key);
    this.ready ??= this.loaded(name);
    await this.ready;
    await this.opened().save(name, { cursor, heardAt: this.owner.clock.now() });
  }

  private loaded(name: string) {
    const loading = this.opened().load(name, this.owner.signal);
    this.ready ??= loading;
    // Where it fails, the next use tries again.
    loading.catch(() => {
      this.ready = undefined;
    });
    return loading;
  }

  private opened(): CursorStore {
    this.store ??= this.open();
    return this.store;
  }

  private nameOf(key: string): string {
    if (typeof key !== 'string' || key === '' || key.length > MAX_KEY)
      throw new Error(`a key of state is a text of 1 to ${MAX_KEY} characters`);
    if (!this.keys.has(key) && this.keys.size >= MAX_KEYS)
      throw new Error(`the state of ${this.owner.path} has ${MAX_KEYS} keys already, which is the limit`);
    this.keys.add(key);
    return `${this.owner.path} ${key}`;
  }
}

function jsonOf(value: unknown, key: string): string {
  const json = JSON.stringify(value) as string | undefined;
  if (json === undefined) throw new Error(`the value of the key "${key}" of state has no JSON`);
  if (Buffer.byteLength(json) > MAX_VALUE)
    throw new Error(`the value of the key "${key}" of state has more than ${MAX_VALUE} bytes`);
  return json;
}
