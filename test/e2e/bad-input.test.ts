import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';

describe('what a client does wrong gets an answer of its own', () => {
  let gateway: GatewayProcess;
  let url: string;

  const cleanups: (() => Promise<void>)[] = [];

  before(async () => {
    gateway = await startGateway({ after: (cleanup) => cleanups.push(cleanup) });
    await gateway.ready();
    url = `ws://127.0.0.1:${gateway.port}/ws`;
  });

  after(async () => {
    for (const cleanup of cleanups) await cleanup();
  });

  const valid = { messageType: 'USER', content: 'x', timestamp: '2024-01-01T12:00:00Z' };
  const mistakes: [string, string | Buffer, RegExp][] = [
    ['text that is not JSON', 'hello', /not JSON/],
    ['JSON of the wrong shape', '[1,2]', /must be a JSON object/],
    ['an unknown messageType', JSON.stringify({ ...valid, messageType: 'SHOUT' }), /"SHOUT" is unknown/],
    ['a messageType that is the server’s', JSON.stringify({ ...valid, messageType: 'ACK' }), /ACK is for the server/],
    ['missing content', JSON.stringify({ ...valid, content: undefined }), /content is missing/],
    ['content that is no text', JSON.stringify({ ...valid, content: 7 }), /content must be a text/],
    ['a bad timestamp', JSON.stringify({ ...valid, timestamp: 'yesterday' }), /"yesterday" is not an ISO 8601 time/],
    ['a binary frame', Buffer.from([1, 2, 3]), /binary frame/],
  ];
  for (const [name, frame, expected] of mistakes) {
    test(`${name}: an ERROR frame that says so, and the socket stays usable`, async () => {
      const client = await TestClient.open(url);
      client.ws.send(frame);
      await client.until(() => client.of('ERROR').length === 1);
      assert.match(client.of('ERROR')[0]?.content ?? '', expected);
      assert.equal(client.of('ERROR')[0]?.retryable, false);
      client.send('still here');
      await client.until(() => client.of('ACK').length === 1);
      await client.close();
    });
  }

  test('a frame of 10 MB closes its socket with 1009', async () => {
    const client = await TestClient.open(url);
    client.ws.send('x'.repeat(10_000_000));
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, 1009);
  });

  test('invalid UTF-8 closes its socket with 1007', async () => {
    const client = await TestClient.open(url);
    client.ws.send(Buffer.from([0xff, 0xfe, 0xfd]), { binary: false });
    await client.until(() => client.closed !== undefined);
    assert.equal(client.closed?.code, 1007);
  });

  test('an unknown path gets a 404 that names it', async () => {
    await assert.rejects(TestClient.open(`ws://127.0.0.1:${gateway.port}/nowhere`), /404/);
    const answer = await fetch(`http://127.0.0.1:${gateway.port}/nowhere`);
    assert.equal(answer.status, 404);
    assert.match(await answer.text(), /nowhere/);
    assert.equal((await fetch(`http://127.0.0.1:${gateway.port}/ws`)).status, 426);
  });

  test('10,000 frames in one burst are all answered, in order', async () => {
    const client = await TestClient.open(url);
    for (let n = 0; n < 10_000; n++) client.send('burst', { id: n });
    await client.until(() => client.of('ACK').length === 10_000, 60_000);
    assert.deepEqual(
      client.of('ACK').map(({ id }) => id),
      Array.from({ length: 10_000 }, (_, n) => n),
    );
    await client.close();
  });

  test('each mistake is counted by its reason', async () => {
    const { body } = await gateway.get('/metrics');
    for (const reason of ['not_json', 'shape', 'message_type', 'content', 'timestamp', 'binary']) {
      assert.match(body, new RegExp(`tidegate_frames_rejected_total\\{[^}]*reason="${reason}"`));
    }
  });

  test('none of this touched other clients', async () => {
    const witness = await TestClient.open(url);
    const half = connect(gateway.port, '127.0.0.1');
    await once(half, 'connect');
    half.write('GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n');
    witness.send('hello');
    await witness.until(
      () => witness.of('ACK').length === 1 && witness.of('USER').some(({ content }) => content === 'hello'),
    );
    half.destroy();
    await witness.close();
  });
});
