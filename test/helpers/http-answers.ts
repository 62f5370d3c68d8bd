import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request as an HTTP server of a test got it. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export interface HttpAnswers {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly asked: Asked[];
  /** How the next requests are answered. */
  answer: (asked: Asked, response: ServerResponse) => void;
}

/** An HTTP server that answers as the test wants, with `{}` at first. */
export async function startHttpAnswers(t: { after(cleanup: () => Promise<void>): void }): Promise<HttpAnswers> {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const one = { method, url, headers, body: Buffer.concat(chunks).toString() };
      asked.push(one);
      answers.answer(one, response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  const answers: HttpAnswers = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (_, response) => response.end('{}'),
  };
  return answers;
}
