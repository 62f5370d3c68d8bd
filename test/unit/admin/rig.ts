import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type CallerOptions, Callers } from '../../../src/admin/callers.ts';
import { keptLogger } from '../actors/rig.ts';
import { HandClock } from '../core/hand-clock.ts';

/** Callers of a port that is bound to 127.0.0.1, as without settings, unless the test says otherwise. */
export function callersOf(changes: Partial<CallerOptions> = {}): Callers {
  return new Callers({
    section: 'admin',
    allowedHosts: [],
    ownHosts: () => ['127.0.0.1'],
    clock: new HandClock(),
    logger: keptLogger().logger,
    ...changes,
  });
}

/** A request with headers that `fetch` does not let a program set, such as Host and Origin, as a browser sends them. */
export function ask(
  url: string,
  headers: Readonly<Record<string, string>>,
  { method = 'GET', body = '' }: { readonly method?: string; readonly body?: string } = {},
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method, headers, agent: false }, (response: IncomingMessage) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
    });
    request.once('error', reject);
    request.end(body);
  });
}
