import { NEVER } from 'rxjs';
import type { Sink } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import { type OutputMessage, outputOf } from './messages.ts';

/** Called with each message that comes out, and with the one that was sent for it. */
export type OutputWatcher = (name: string, output: OutputMessage, sent: Message) => void;

/** What came out, by the name of the topic, the endpoint or the sink. */
export class Recording {
  private readonly byName = new Map<string, OutputMessage[]>();
  private readonly watch: OutputWatcher;

  constructor(watch: OutputWatcher) {
    this.watch = watch;
  }

  /** `sent`: what was sent for each, where that is another message. */
  add(name: string, messages: readonly Message[], sent: readonly Message[] = messages): void {
    const known = this.byName.get(name) ?? [];
    this.byName.set(name, known);
    for (const [at, message] of messages.entries()) {
      const output = outputOf(message);
      known.push(output);
      this.watch(name, output, sent[at] ?? message);
    }
  }

  get output(): ReadonlyMap<string, readonly OutputMessage[]> {
    return this.byName;
  }
}

/** A sink that keeps what it is given and counts it as done. */
export function recordingSink(name: string, record: (name: string, messages: readonly Message[]) => void): Sink {
  return {
    idle: true,
    idle$: NEVER,
    open: async () => {},
    write: (batch) => {
      record(name, batch.messages);
      batch.ack();
    },
    close: async () => {},
  };
}

/** The same sink, of which it is kept what it is given. */
export function recorded(sink: Sink, name: string, record: (name: string, messages: readonly Message[]) => void): Sink {
  const { failed$, keyOf } = sink;
  return {
    get idle() {
      return sink.idle;
    },
    idle$: sink.idle$,
    ...(failed$ === undefined ? {} : { failed$ }),
    ...(keyOf === undefined ? {} : { keyOf: (message) => keyOf.call(sink, message) }),
    open: () => sink.open(),
    write: (batch) => {
      record(name, batch.messages);
      sink.write(batch);
    },
    close: () => sink.close(),
  };
}
