import { Fifo } from '../../core/fifo.ts';
import { SharedBytes } from '../../core/shared-bytes.ts';
import type { TopicView } from '../../core/topic-request.ts';

/** Milliseconds of work before the event loop turns. */
const SLICE = 5;

interface Wanted {
  readonly view: TopicView;
  /** Given the payload, or what the codec threw. */
  readonly give: (made: SharedBytes | Error) => void;
}

/**
 * Makes the long payloads that clients of an endpoint ask for: each of them once for all clients, and in slices, so
 * that other clients are served meanwhile.
 */
export class Payloads {
  private readonly pieces: (view: TopicView) => Iterable<string>;
  private readonly made = new WeakMap<TopicView, SharedBytes>();
  private readonly wanted = new Fifo<Wanted>();
  /** The payload of the first that is wanted, as far as it is made. */
  private current: { readonly rest: Iterator<string>; readonly parts: Buffer[] } | undefined;
  private isPlanned = false;

  /** `pieces`: the codec's. */
  constructor(pieces: (view: TopicView) => Iterable<string>) {
    this.pieces = pieces;
  }

  /** `give` is called in a later turn, and does not throw. */
  want(view: TopicView, give: Wanted['give']): void {
    this.wanted.push({ view, give });
    this.plan();
  }

  private plan(): void {
    if (this.isPlanned) return;
    this.isPlanned = true;
    setImmediate(() => {
      this.isPlanned = false;
      this.work(performance.now() + SLICE);
      if (this.wanted.length > 0) this.plan();
    });
  }

  private work(until: number): void {
    for (let first = this.wanted.peek(); first !== undefined; first = this.wanted.peek()) {
      const made = this.made.get(first.view) ?? this.makeOn(first.view, until);
      if (made === undefined) return;
      this.wanted.shift();
      first.give(made);
      if (performance.now() >= until) return;
    }
  }

  /** Undefined while more is to be made. */
  private makeOn(view: TopicView, until: number): SharedBytes | Error | undefined {
    try {
      this.current ??= { rest: this.pieces(view)[Symbol.iterator](), parts: [] };
      const { rest, parts } = this.current;
      for (let next = rest.next(); next.done !== true; next = rest.next()) {
        parts.push(Buffer.from(next.value));
        if (performance.now() >= until) return undefined;
      }
      this.current = undefined;
      const made = new SharedBytes(Buffer.concat(parts));
      this.made.set(view, made);
      return made;
    } catch (error) {
      this.current = undefined;
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}
