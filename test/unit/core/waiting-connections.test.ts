import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { answerMalformed } from '../../../src/core/http-error.ts';
import { createTimedServer } from '../../../src/core/http-timeouts.ts';
import { WaitingConnections } from '../../../src/core/waiting-connections.ts';

/** A socket that only knows whether it was cut. */
class OpenSocket extends EventEmitter {
  isCut = false;

  get destroyed(): boolean {
    return this.isCut;
  }

  destroy(): void {
    this.isCut = true;
    this.emit('close');
  }
}

function gate(most: () => number) {
  let cuts = 0;
  const waiting = new WaitingConnections(most, () => {
    cuts += 1;
  });
  const server = new EventEmitter();
  waiting.watch(server as Server);
  const accept = () => {
    const socket = new OpenSocket();
    server.emit('connection', socket);
    return socket;
  };
  return { waiting, accept, cuts: () => cuts, release: (one: OpenSocket) => waiting.release(one as unknown as Socket) };
}

test('the oldest connection that waits gives way to a new one where as many are open as may be', () => {
  const { accept, waiting, cuts } = gate(() => 2);
  const [first, second, third, fourth] = [accept(), accept(), accept(), accept()];
  assert.deepEqual(
    [first, second, third, fourth].map(({ isCut }) => isCut),
    [true, true, false, false],
  );
  assert.deepEqual([waiting.size, cuts()], [2, 2]);
});

test('connections that have closed or become clients do not count, and clients are never closed', () => {
  const { accept, waiting, cuts, release } = gate(() => 2);
  const [closed, client] = [accept(), accept()];
  closed.destroy();
  release(client);
  assert.deepEqual([waiting.size, client.listenerCount('close')], [0, 0]);
  const [one, two] = [accept(), accept()];
  assert.deepEqual([cuts(), one.isCut, two.isCut, client.isCut], [0, false, false, false]);
});

test('where fewer may be open by now, as many give way as are too many', () => {
  let most = 3;
  const { accept, waiting } = gate(() => most);
  const sockets = [accept(), accept(), accept()];
  most = 1;
  const newest = accept();
  assert.deepEqual([sockets.map(({ isCut }) => isCut), newest.isCut, waiting.size], [[true, true, true], false, 1]);
});

/** A connection whose call has begun. */
function called() {
  const waiting = new WaitingConnections(() => 10);
  const server = new EventEmitter();
  waiting.watchIdle(server as Server);
  const [socket, response] = [new OpenSocket(), new EventEmitter()];
  const request = Object.assign(new EventEmitter(), { socket });
  server.emit('connection', socket);
  server.emit('request', request, response);
  return { waiting, server, socket, request, response };
}

test('a connection whose call is being answered does not count, and counts again afterwards', () => {
  const { waiting, socket, request, response, server } = called();
  assert.equal(waiting.size, 1, 'its body has not come');
  request.emit('end');
  assert.equal(waiting.size, 0);
  response.emit('close');
  // Answers that all end together make it wait once.
  const [another, other] = [new EventEmitter(), Object.assign(new EventEmitter(), { socket })];
  server.emit('request', other, another);
  another.emit('close');
  assert.equal(socket.listenerCount('close'), 1);
  assert.equal(waiting.size, 1);
  socket.destroy();
  assert.equal(waiting.size, 0);
});

test('a connection that closes before its answer is complete does not count afterwards', () => {
  const { waiting, socket, request, response } = called();
  assert.equal(waiting.size, 1, 'its body has not come yet');
  request.emit('end');
  assert.equal(waiting.size, 0);
  socket.destroy();
  response.emit('close');
  assert.equal(waiting.size, 0);
});

/** A server whose patience is a moment. */
async function impatient(t: TestContext, answer = 'x', idle = 300) {
  const timeouts = { headers: 100, request: 200, idle };
  const server = createTimedServer(timeouts, (_request, response) => response.end(answer));
  answerMalformed(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  return async () => {
    const socket = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    t.after(() => socket.destroy());
    let text = '';
    socket.on('data', (data) => {
      text += String(data);
    });
    socket.on('error', () => {});
    const [[accepted]] = (await Promise.all([once(server, 'connection'), once(socket, 'connect')])) as [
      [Socket],
      unknown,
    ];
    return { socket, accepted, text: () => text };
  };
}

test('connections that send nothing, half of their headers or half of a body are answered 408 and end', async (t) => {
  const dial = await impatient(t);
  for (const begun of [
    '',
    'GET / HTTP/1.1\r\nHost: a\r\nX: ',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n',
  ]) {
    const { socket, text } = await dial();
    if (begun !== '') socket.write(begun);
    await once(socket, 'end');
    assert.match(text(), /HTTP\/1\.1 408 .*"code":"timeout"/s, begun);
  }
});

test('a client that does not read its answer is disconnected', async (t) => {
  const dial = await impatient(t, 'x'.repeat(32 * 1_048_576), 50);
  const { socket, accepted } = await dial();
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  const [hadError] = await once(accepted, 'close');
  assert.equal(hadError, false);
  assert.equal(accepted.writableFinished, false, 'it took all of it');
});
