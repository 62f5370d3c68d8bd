import { type ComponentContext, defineProcessor, type Message, z } from '../../../src/sdk/index.ts';

/** What the processor `probe` was given, newest last. */
export const probed = {
  contexts: [] as ComponentContext[],
  /** Values of its state when it opened. */
  loaded: [] as unknown[],
  /** Messages that it never ends with, and their signals. */
  hanging: [] as {
    readonly message: Message;
    readonly signal: AbortSignal;
    readonly resolve: (made: Message) => void;
  }[],
  /** Headers of the spans that it has begun. */
  headers: [] as Readonly<Record<string, string>>[],
};

export default defineProcessor({
  name: 'probe',
  summary: 'Does with its context what a message says.',
  config: z.strictObject({}),
  examples: [{}],
  create: (_, context) => {
    probed.contexts.push(context);
    return {
      open: async () => {
        probed.loaded.push(await context.state.load('newest'));
      },
      process: (message, { signal }) => {
        const [what, value = ''] = message.text.split(' ');
        if (what === 'hang')
          return new Promise(
            (resolve) => void probed.hanging.push({ message, signal, resolve: (made) => resolve(made) }),
          );
        if (what === 'save') return context.state.save(value.slice(0, 200), value).then(() => message);
        if (what === 'ask') {
          const span = context.tracer.span(message, 'ask for stock');
          probed.headers.push(span.headers);
          span.end();
        }
        return message;
      },
    };
  },
});
