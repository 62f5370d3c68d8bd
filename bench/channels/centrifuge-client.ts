/* Clients that speak Centrifugo's JSON protocol, in a process of their own: they subscribe, and count what is published. */
import { serve } from '../child.ts';
import { textFrame } from '../clients/frames.ts';
import { RawSocket } from '../clients/raw-socket.ts';

const OPENED_AT_A_TIME = 100;
/** Commands of one frame, which is small. */
const COMMANDS_AT_ONCE = 100;
const LOOK_MS = 1;
const MAX_WAIT = 60_000;
const MAX_BUFFER = 262_144;
const NEWLINE = 10;
const PONG = textFrame(Buffer.from('{}'));

const sockets: RawSocket[] = [];
let messages = 0;
let last = '';

/** A frame may hold several messages, a line each; an empty object is a ping. */
async function open(port: number): Promise<RawSocket> {
  let own: RawSocket | undefined;
  const onFrame = (buffer: Buffer, start: number, length: number) => {
    if (length === 2) return own?.write(PONG);
    const end = start + length;
    for (let at = start; at < end; messages += 1) {
      const next = buffer.indexOf(NEWLINE, at);
      at = next < 0 || next >= end ? end : next + 1;
    }
    if (length < 200) last = buffer.toString('latin1', start, end);
  };
  own = await RawSocket.open({ port, bufferBytes: MAX_BUFFER, onFrame });
  own.write(textFrame(Buffer.from('{"id":1,"connect":{}}')));
  return own;
}

async function until(wanted: number): Promise<void> {
  const from = performance.now();
  while (messages < wanted) {
    if (performance.now() - from > MAX_WAIT) throw new Error(`${messages} of ${wanted} messages, the last: ${last}`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

serve({
  open: async ({ port, count }: { port: number; count: number }) => {
    messages = 0;
    while (sockets.length < count) {
      const next = Math.min(OPENED_AT_A_TIME, count - sockets.length);
      sockets.push(...(await Promise.all(Array.from({ length: next }, () => open(port)))));
    }
    await until(count);
  },
  /** Each socket subscribes to `each` of so many channels, in turn. */
  subscribe: async ({ prefix, channels, each }: { prefix: string; channels: number; each: number }) => {
    messages = 0;
    let next = 0;
    for (const socket of sockets)
      for (let from = 0; from < each; from += COMMANDS_AT_ONCE) {
        const commands: string[] = [];
        for (let at = from; at < Math.min(each, from + COMMANDS_AT_ONCE); at += 1, next += 1)
          commands.push(JSON.stringify({ id: at + 2, subscribe: { channel: `${prefix}.${next % channels}` } }));
        socket.write(textFrame(Buffer.from(commands.join('\n'))));
      }
    await until(sockets.length * each);
  },
  begin: () => {
    messages = 0;
  },
  until,
  last: () => last,
});
process.send?.({ ready: true });
