// A plugin: a module whose default export is one component or a list of them. `tidegate/sdk` is all it needs.
import { defineProcessor, TidegateError, z } from 'tidegate/sdk';

const redact = defineProcessor({
  name: 'redact',
  summary: 'Blanks words out of the content of an envelope.',
  config: z.strictObject({
    words: z.array(z.string().min(1)).min(1).describe('Words to blank out, in upper or lower case.'),
    mark: z.string().default('***').describe('What stands in their place.'),
  }),
  examples: [{ words: ['password', 'secret'] }, { words: ['password'], mark: '[redacted]' }],
  create: ({ words, mark }) => {
    const pattern = new RegExp(`\\b(${words.map(escaped).join('|')})\\b`, 'gi');
    return {
      process: (message) => {
        const { json } = message;
        if (typeof json?.content !== 'string') {
          throw new TidegateError('TG_MESSAGE_INVALID', 'redact needs a message with a text in its field "content"');
        }
        // A replacement text would give `$&` a meaning of its own; a function's result is taken as it is.
        const content = json.content.replace(pattern, () => mark);
        return content === json.content ? message : message.derive({ json: { ...json, content } });
      },
    };
  },
});

function escaped(word) {
  return word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

export default [redact];
