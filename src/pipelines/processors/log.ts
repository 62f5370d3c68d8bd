import { defineProcessor, field, writeJson, z } from '../../sdk/index.ts';

export const log = defineProcessor({
  name: 'log',
  summary: 'Writes a line to the log for each message and passes it on.',
  config: z.strictObject({
    level: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    text: field.expression().prefault('${! text }').describe('What the line says.'),
  }),
  examples: [{}, { level: 'debug', text: 'from ${! meta.client_id }: ${! text }' }],
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
