/** One server of the bench of TLS, in a process of its own: `gateway`, or `plain` Node with `https` and `ws`. */
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { createGateway } from '../src/index.ts';

const { CONTENDER, TLS_CERT: cert = '', TLS_KEY: key = '' } = process.env;

async function gatewayPort(): Promise<number> {
  const gateway = await createGateway({
    logger: 'silent',
    config: {
      log: { driver: 'embedded', embedded: { memory: true } },
      admin: { enabled: false },
      listeners: { public: { port: 0, host: '127.0.0.1', tls: { cert, key } } },
      endpoints: { messages: { listener: 'public', path: '/ws', codec: 'json', ping: { interval: '1h' } } },
      pipelines: { in: { source: { endpoint: 'messages' }, sink: { topic: { name: 'messages' } } } },
    },
  });
  await gateway.start();
  while (!gateway.inspect().ready) await new Promise((resolve) => setTimeout(resolve, 10));
  return gateway.ports().listeners.public ?? 0;
}

async function plainPort(): Promise<number> {
  const server = createServer({ cert, key });
  new WebSocketServer({ server, path: '/ws', perMessageDeflate: false });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const port = await (CONTENDER === 'gateway' ? gatewayPort() : plainPort());
process.send?.({ port });
