import { createRequire } from 'node:module';
import { Writable } from 'node:stream';

/** Lines for terminals are made in this process, so that none is lost when it ends. */
export function prettyStream(destination: NodeJS.WritableStream & { readonly isTTY?: boolean }): NodeJS.WritableStream {
  // Loaded only for terminals.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof import('pino-pretty');
  return pretty({
    destination: withoutC1(destination),
    colorize: destination.isTTY === true,
    singleLine: true,
    translateTime: 'SYS:HH:MM:ss.l',
    ignore: 'scope',
    messageFormat: ({ scope, msg }) => printable(`${typeof scope === 'string' ? `${scope}: ` : ''}${String(msg)}`),
  });
}

/** Control characters, and separators of lines that some programs take for a line's end. */
const CONTROL = /[\p{Cc}\u2028\u2029]/gu;
/** Those of them that JSON does not escape. A terminal may take U+009B for ESC [. */
const C1 = /[\u007f-\u009f\u2028\u2029]/g;

/** Text of clients on one line, and without what a terminal would obey: as JSON escapes it. */
export function printable(text: string): string {
  return text.replace(CONTROL, escaped);
}

function withoutC1(destination: NodeJS.WritableStream): Writable {
  return new Writable({
    decodeStrings: false,
    write: (chunk, _encoding, done) => {
      destination.write(String(chunk).replace(C1, escaped));
      done();
    },
  });
}

function escaped(character: string): string {
  const json = JSON.stringify(character).slice(1, -1);
  return json === character ? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}` : json;
}
