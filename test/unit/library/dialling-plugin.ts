import { defer, Subject } from 'rxjs';
import { Batch, defineSource, Message, type RemoteSocket, TidegateError, z } from '../../../src/sdk/index.ts';

/** A source such as a plugin may have: the numbers that a server sends, from the last one on that is stored. */
const numbers = defineSource({
  name: 'numbers',
  summary: 'The numbers of a server.',
  config: z.strictObject({ url: z.string() }),
  examples: [{ url: 'ws://numbers.example.org' }],
  sharing: () => 'own',
  internalTopics: () => ['numbers.cursors'],
  needs: ['cursors', 'dial'],
  create: ({ url }, { path, clock, logger, signal, gateway }) => {
    const cursors = gateway.cursors('numbers.cursors');
    const request = { url, headers: {}, protocols: [] };
    let out = new Subject<Batch>();
    let socket: RemoteSocket | undefined;
    const settled = ({ text }: Message) =>
      void cursors.save(path, { cursor: text, heardAt: clock.now() }).then(
        () => socket?.send({ data: `saved ${text}`, binary: false }),
        (error: Error) => logger.error({ error }, 'the cursor could not be saved'),
      );
    return {
      batches$: defer(() => out),
      open: async () => {
        const saved = await cursors.load(path, signal);
        socket = gateway.dial(
          { request: () => request, compression: false, maxFrame: 1_024 },
          {
            onOpen: () => socket?.send({ data: `after ${saved?.cursor ?? 'nothing'}`, binary: false }),
            onFrame: (data) => out.next(new Batch([new Message(data, { target: { settled } })])),
            onPong() {},
            onClose: ({ reason }) => {
              const lost = out;
              out = new Subject();
              lost.error(new TidegateError('TG_FLOW_FAILED', reason));
            },
          },
        );
      },
      pause: () => socket?.pause(),
      resume: () => socket?.resume(),
      close: async () => socket?.terminate(),
    };
  },
});

export default numbers;
