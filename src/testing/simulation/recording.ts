import { NEVER } from 'rxjs';
import type { Sink } from '../../core/component.ts';
import type { Message } from '../../core/message.ts';
import { type OutputMessage, outputOf } from './messages.ts';

/** What came out, by the name of the topic, the endpoint or the sink. */
export class Recording {
  private readonly byName = new Map<string, OutputMessage[]>();

  add(name: string, messages: readonly Message[]): void {
    const known = this.byName.get(name) ?? [];
    this.byName.set(name, known);
    known.push(...messages.map(outputOf));
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
