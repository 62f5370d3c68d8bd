import { once } from 'node:events';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';

/** Sends that many requests for a path in one piece; resolves once the server has ended the connection. */
export async function pipeline(t: TestContext, port: number, path: string, count = 1_600): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.resume();
  socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(count));
  await closed;
}

/** What Node warns of while the test runs, such as too many listeners. */
export function warningsOf(t: TestContext): string[] {
  const warnings: string[] = [];
  const listen = ({ name }: Error) => void warnings.push(name);
  process.on('warning', listen);
  t.after(() => process.off('warning', listen));
  return warnings;
}
