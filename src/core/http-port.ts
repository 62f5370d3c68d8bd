import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How long answers that are being written may take until every connection is closed, in milliseconds. */
const STOP_TIMEOUT = 1_000;

/** Resolves with the bound port. `refusal`: what to reject with. */
export function bind(
  server: Server,
  { port, host }: { readonly port: number; readonly host?: string | undefined },
  refusal: (error: NodeJS.ErrnoException) => Error,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException) => reject(refusal(error));
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Lets answers that are being written end, then closes every connection. */
export function closeGently(server: Server): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
