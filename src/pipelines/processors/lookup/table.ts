import type { Message } from '../../../sdk/index.ts';

/** The JSON text that a message leads to; undefined for a miss. */
export type Found = string | undefined;

/** Where a lookup finds values. */
export interface Table {
  /** How many messages may be looked up at a time, where that takes a while. */
  readonly concurrency?: number;
  /** Resolves when the table can be asked. Rejects with why it cannot. */
  open(): Promise<void>;
  find(message: Message): Found | Promise<Found>;
  close(): void;
}
