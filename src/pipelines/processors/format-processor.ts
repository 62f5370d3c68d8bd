import { field, type Message, type Processor, z } from '../../sdk/index.ts';
import { during } from '../formats/base/failure.ts';

type Run = (message: Message) => Buffer | Promise<Buffer>;

export const alphabet = () => z.enum(['standard', 'url']).prefault('standard');

export const limit = field.size().prefault('16MiB').describe('Most bytes of the result.');

export function isOneFormat({ limit: _, ...formats }: Readonly<Record<string, unknown>>): boolean {
  return Object.values(formats).filter((one) => one !== undefined).length === 1;
}

export const ONE_FORMAT = 'give exactly one of json, avro, protobuf, msgpack, csv and base64';

/** Makes another payload of each message that has one. `what`: what cannot be done, in the error of a message that fails. */
export function formatProcessor(what: string, run: Run): Processor {
  return {
    process: (message) => {
      if (message.isTombstone) return message;
      let made: Buffer | Promise<Buffer>;
      try {
        made = run(message);
      } catch (error) {
        throw during(what, error);
      }
      if (!(made instanceof Promise)) return message.derive({ payload: made });
      return made.then(
        (payload) => message.derive({ payload }),
        (error: unknown) => {
          throw during(what, error);
        },
      );
    },
  };
}
