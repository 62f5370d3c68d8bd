import { defineProcessor, field, writeJson, z } from '../../sdk/index.ts';

export const log = defineProcessor({
  name: 'log',
  summary: 'Writes a line to the log for each message and passes it on.',
  config: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    text: field.expression().prefault('${! text }').describe('What the line says.'),
  }),
  failures: ['The expression fails.'],
  examples: [
    { title: 'The payload', config: {}, input: 'hello', output: 'hello' },
    {
      title: 'A line for those who debug',
      config: { level: 'debug', text: 'key ${! key }: ${! text }' },
      input: { text: 'hello', key: 'ada' },
      output: { text: 'hello', key: 'ada' },
    },
  ],
  create: ({ level, text }, { logger, path }) => ({
    process: (message) => {
      const write = (value: unknown) => {
        logger[level](
          { pipeline: path },
          typeof value === 'string' ? value : (writeJson(value) ?? `${text.text} has no value`),
        );
        return message;
      };
      const value = text.evaluate(message);
      return value instanceof Promise ? value.then(write) : write(value);
    },
  }),
});
