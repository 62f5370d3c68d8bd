/*
 * What a record of 1 KiB costs on each wire, for 50 sockets: `npm run bench:compression`. CPU of the writing process, real
 * sockets, another process that reads. Prints a table for docs/compression.md.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { FrameGroup, SharedFrame, type Wire } from '../src/core/shared-frame.ts';
import { frameEncoder } from '../src/transports/websocket/framing.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const SOCKETS = 50;
const RECORDS = 3_000;
const ROUNDS = 5;
const BYTES = 1_024;
/** Bytes of a socket at which the writer waits for its reader. */
const MARK = 65_536;

const READER = `for (let n = 0; n < ${SOCKETS}; n += 1) require('node:net').connect(+process.argv[1]).resume()`;

const encode = frameEncoder({ threshold: BYTES, level: 1 });

/** Orders as JSON, no two of them alike. */
function record(): string {
  const orders = Array.from({ length: 14 }, (_, at) => ({
    id: (at * 7_919) % 1_000,
    symbol: `BTC-${at}`,
    price: (at * 1_234.567).toFixed(2),
    side: at % 2 === 0 ? 'sell' : 'buy',
  }));
  return JSON.stringify({ orders }).padEnd(BYTES);
}

/** Microseconds of CPU for a record that goes to all sockets. */
async function cost(sockets: readonly Socket[], wire: Wire): Promise<number> {
  const data = record();
  const before = process.cpuUsage();
  for (let sent = 0; sent < RECORDS; sent += 1) {
    const group = new FrameGroup([new SharedFrame({ data, binary: false }, encode)]);
    for (const socket of sockets) socket.write(group.on(wire).chunk);
    await new Promise((resolve) => setImmediate(resolve));
    for (const socket of sockets) if (socket.writableLength > MARK) await once(socket, 'drain');
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / RECORDS;
}

const server = createServer();
const sockets: Socket[] = [];
server.on('connection', (socket) => sockets.push(socket));
await once(server.listen(0, '127.0.0.1'), 'listening');
const reader = spawn(process.execPath, ['-e', READER, String((server.address() as AddressInfo).port)]);
while (sockets.length < SOCKETS) await once(server, 'connection');

const costs = new Map<Wire, number[]>([
  ['plain', []],
  ['deflate', []],
  ['sse', []],
]);
for (let round = 0; round < ROUNDS; round += 1)
  for (const [wire, found] of costs) found.push(await cost(sockets, wire));
console.log(`${machine()}\n\n| wire | CPU µs a record for ${SOCKETS} sockets |\n|---|---|`);
for (const [wire, found] of costs) console.log(`| ${wire} | ${median(found).toFixed(1)} |`);
reader.kill();
process.exit(0);
