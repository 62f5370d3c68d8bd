/** Where the admin port shows messages of a pipeline while they go through it. */
export const TAP_PATH = '/-/tap';

/** Messages a second that a tap shows unless it asks for another number. */
export const TAP_RATE = 100;

/** One line of a tap: how it began, a message, what was left out, or why it ended. Empty lines keep the connection open. */
export type TapLine =
  | { readonly tapped: string; readonly at: number; readonly place: string }
  | TappedMessage
  | { readonly skipped: number }
  | { readonly failed: string }
  | { readonly ended: string };

/** A message as a tap shows it: its payload as `json`, `text` or `base64`, or the beginning of it with `truncated`. */
export interface TappedMessage {
  readonly topic?: string;
  readonly partition?: number;
  readonly offset?: number;
  readonly client_id?: string;
  readonly key?: string | { readonly base64: string };
  readonly headers?: readonly (readonly [name: string, value: string | null | { readonly base64: string }])[];
  /** Milliseconds since the epoch. */
  readonly timestamp?: number;
  readonly json?: unknown;
  readonly text?: string;
  readonly base64?: string;
  /** Bytes of the payload. */
  readonly size: number;
  readonly truncated?: boolean;
}
