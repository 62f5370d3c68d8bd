import { type GatewayProcess, until } from './gateway-process.ts';
import { frameHead, RawClient, wholeFrame } from './raw-client.ts';

/*
 * What is done to the memory of a gateway with test/fixtures/memory.yaml. Each attack resolves when all that it has is
 * sent, or cannot be sent as the gateway does not read it.
 */

const MEBIBYTE = 1_048_576;
const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** Sockets that send all but the end of a message of 1 MiB. */
export async function almostWhole(gateway: GatewayProcess, { sockets }: { sockets: number }): Promise<RawClient[]> {
  const clients = await RawClient.openAll(sockets, gateway.port, '/in');
  const part = Buffer.concat([frameHead(MEBIBYTE), Buffer.alloc(0.98 * MEBIBYTE, 'x')]);
  for (const { socket } of clients) socket.write(part);
  await settled(clients);
  return clients;
}

/** Sockets that send a message byte by byte, each byte in a packet of its own. */
export async function byteByByte(
  gateway: GatewayProcess,
  { sockets, bytes }: { sockets: number; bytes: number },
): Promise<RawClient[]> {
  const clients = await RawClient.openAll(sockets, gateway.port, '/in');
  const one = Buffer.from('x');
  for (const { socket } of clients) socket.write(frameHead(MEBIBYTE));
  for (let sent = 0; sent < bytes; sent++) {
    for (const { socket } of clients) socket.write(one);
    await turn();
  }
  await settled(clients);
  return clients;
}

/**
 * Sockets that send a message in fragments of one byte: first as many as there may be for each, then on others each with pongs
 * behind it, so that it comes in a read chunk of its own.
 */
export async function fragments(
  gateway: GatewayProcess,
  { sockets, each, chunks }: { sockets: number; each: number; chunks: number },
): Promise<RawClient[]> {
  const first = wholeFrame(Buffer.from('x'), { fin: false });
  const next = wholeFrame(Buffer.from('x'), { opcode: 0, fin: false });
  const many = Buffer.concat([first, ...Array<Buffer>(each - 1).fill(next)]);
  const pong = wholeFrame(Buffer.alloc(125), { opcode: 0x0a });
  const padding = Buffer.concat(Array<Buffer>(500).fill(pong));
  const spread = Buffer.concat([first, padding, ...Array<Buffer>(chunks - 1).fill(Buffer.concat([next, padding]))]);
  const clients = await RawClient.openAll(sockets, gateway.port, '/in');
  for (const [index, { socket }] of clients.entries()) socket.write(index % 2 === 0 ? many : spread);
  await settled(clients);
  return clients;
}

/** Clients that take nothing, of an endpoint with drop_oldest, while records come. */
export async function slowClients(
  gateway: GatewayProcess,
  { sockets, records, bytes }: { sockets: number; records: number; bytes: number },
): Promise<RawClient[]> {
  const clients = await RawClient.openAll(sockets, gateway.port, '/out');
  for (const { socket } of clients) socket.pause();
  const [publisher, reader] = [await RawClient.open(gateway.port, '/in'), await RawClient.open(gateway.port, '/out')];
  const frame = wholeFrame(Buffer.alloc(bytes, 'r'));
  for (let sent = 0; sent < records; sent++) {
    if (!publisher.socket.write(frame)) await new Promise((resolve) => publisher.socket.once('drain', resolve));
  }
  await until(
    () => reader.received >= records * bytes,
    120_000,
    () => `a client that reads got ${reader.received} of ${records * bytes} bytes`,
  );
  publisher.socket.destroy();
  reader.socket.destroy();
  return clients;
}

/** Sockets that send as much as is taken, in frames of one byte, where the gate is shut. */
export async function shutGate(
  gateway: GatewayProcess,
  { sockets, bytes }: { sockets: number; bytes: number },
): Promise<RawClient[]> {
  const clients = await RawClient.openAll(sockets, gateway.port, '/stuck');
  const frame = wholeFrame(Buffer.from('x'));
  const chunk = Buffer.concat(Array<Buffer>(Math.floor(bytes / frame.length)).fill(frame));
  for (const { socket } of clients) socket.write(chunk);
  await settled(clients);
  return clients;
}

/** Resolves when the sockets that are open have sent nothing more for a second, or have all that they wanted. */
async function settled(clients: readonly RawClient[]): Promise<void> {
  let before = -1;
  for (;;) {
    const waiting = clients.reduce((sum, { socket, isClosed }) => sum + (isClosed ? 0 : socket.writableLength), 0);
    if (waiting === 0 || waiting === before) return;
    before = waiting;
    await sleep(1_000);
  }
}
