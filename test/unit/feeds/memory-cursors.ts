import type { CursorStore, SavedCursor } from '../../../src/sdk/context.ts';

/** Keeps cursors in memory. */
export class MemoryCursors implements CursorStore {
  private readonly cursors = new Map<string, SavedCursor>();

  async load(name: string): Promise<SavedCursor | undefined> {
    return this.cursors.get(name);
  }

  async save(name: string, cursor: SavedCursor): Promise<void> {
    this.cursors.set(name, cursor);
  }
}
