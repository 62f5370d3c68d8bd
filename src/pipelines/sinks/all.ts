import { map } from 'rxjs';
import { Batch, defineSink, type InnerSink, type Message, z } from '../../sdk/index.ts';
import { entriesOf, InnerSinks } from './inner-sinks.ts';

/** `inner`: the schema of a sink. */
export const allSink = (inner: z.ZodType<InnerSink>) =>
  defineSink({
    name: 'all',
    summary: 'Every one of several sinks: a message is acked when all of them have it.',
    description:
      'If one sink fails, the message fails, though others may have it. If it is then sent or read again, those get it a second time: each sink has it at least once. The slowest sink sets the pace.',
    config: z.array(inner).min(2, 'expected at least two sinks').max(100, 'expected at most 100 sinks'),
    failures: ['One of the sinks fails.'],
    examples: [[{ topic: { name: 'orders' } }, { topic: { name: 'audit' } }]],
    reaches: 'inner',
    copies: 'each',
    inner: entriesOf,
    create: (chosen, context) => {
      const innerSinks = new InnerSinks(chosen, context, (at) => `all[${at}]`);
      const count = chosen.length;
      return {
        open: () => innerSinks.open(),
        write: (batch) => {
          const copies = Array.from({ length: count }, (): Message[] => []);
          for (const message of batch.messages)
            for (const [at, copy] of message.copies(count).entries()) copies[at]?.push(copy);
          for (const [at, messages] of copies.entries()) innerSinks.write(at, new Batch(messages));
        },
        get idle() {
          return innerSinks.idle;
        },
        idle$: innerSinks.idle$,
        failed$: innerSinks.failed$.pipe(map(({ failure }) => failure)),
        keyOf: (message) => innerSinks.keyOf(0, message),
        close: () => innerSinks.close(),
      };
    },
  });
