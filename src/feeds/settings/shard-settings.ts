import { field, openingStep, z } from '../../sdk/index.ts';
import { MAX_SYMBOLS } from './symbols-of-text.ts';

const SHARE = /^([1-9]\d{0,3})\/([1-9]\d{0,3})$/;

const symbol = z.preprocess(
  (value) => (typeof value === 'number' ? String(value) : value),
  field.plainText('expected a symbol').min(1, 'expected a symbol'),
);

const share = z
  .string('expected a part such as 1/3')
  .meta({ pattern: SHARE.source })
  .transform((text, context) => {
    const [, number = 0, of = 0] = SHARE.exec(text)?.map(Number) ?? [];
    if (number > 0 && number <= of) return { number, of };
    context.issues.push({
      code: 'custom',
      message: `"${text}" is not a part of a list; the first of three parts is 1/3`,
      input: text,
    });
    return z.NEVER;
  });

/** How the symbols of a feed are spread over connections. */
export const shardSettings = z
  .strictObject({
    list: z
      .array(symbol)
      .min(1, 'name at least one symbol')
      .max(MAX_SYMBOLS, `expected at most ${MAX_SYMBOLS} symbols`)
      .optional()
      .describe('The symbols themselves.'),
    file: z
      .strictObject({
        path: field.filePath().describe('Path of the file, relative to the directory in which Tidegate is started.'),
        reload: field
          .duration()
          .prefault('5s')
          .describe('Interval at which it is looked whether the file has changed.'),
      })
      .optional()
      .describe('A file with one symbol on each line; empty lines and lines that begin with # are left out.'),
    topic: z
      .strictObject({
        name: field.plainText().min(1, 'expected the name of a topic').describe('The topic.'),
      })
      .optional()
      .describe('A compacted topic whose keys are the symbols; a record without a value removes its symbol.'),
    share: share
      .optional()
      .describe('Which part of the symbols is read here, such as 2/3 for the second of three gateways.'),
    per_connection: field.integer({ min: 1 }).prefault(200).describe('Maximum number of symbols of a connection.'),
    per_message: field
      .integer({ min: 1 })
      .optional()
      .describe(
        'Maximum number of symbols of a message; left out: all that a connection has. With 1, `${! meta.shard.symbol }` is the symbol.',
      ),
    unsubscribe: openingStep()
      .optional()
      .describe('The message for symbols that are no longer in the list; it has them as `${! meta.shard.symbols }`.'),
    connect_interval: field
      .duration()
      .prefault('100ms')
      .describe('Shortest time between two attempts to connect to the same server.'),
  })
  .refine(({ list, file, topic }) => [list, file, topic].filter((each) => each !== undefined).length === 1, {
    message: 'set exactly one of list, file and topic',
  });

export type ShardSettings = z.output<typeof shardSettings>;
