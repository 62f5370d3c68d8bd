import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, verify } from 'node:crypto';
import { test } from 'node:test';
import { countRecords } from '../helpers/embedded-content.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { startGateway, until } from '../helpers/gateway-process.ts';
import { startHttpAnswers } from '../helpers/http-answers.ts';

const SECRET = 'secret-of-the-api';

/** An exchange whose REST API gives token and endpoint of a WebSocket, and that knows positions. */
async function startBullet(t: Parameters<typeof startHttpAnswers>[0]) {
  const api = await startHttpAnswers(t);
  const tokens = new Set<string>();
  let seq = 0;
  const server = await FeedServer.start(t, {
    greet: (connection) => {
      const token = new URL(connection.url, 'ws://x').searchParams.get('token') ?? '';
      if (!tokens.delete(token)) {
        connection.ws.close(1008, `token ${token} is not valid`);
        return;
      }
      connection.ws.on('message', (data) => {
        const { type, after } = JSON.parse(String(data)) as { type: string; after?: number };
        if (type === 'subscribe') connection.ws.send('{"type":"ack"}');
        for (let n = (after ?? seq) + 1; type === 'replay' && n <= seq; n += 1) connection.ws.send(`{"seq":${n}}`);
      });
    },
  });
  const state = {
    /** How the API behaves. */
    mode: 'good' as 'good' | 'error' | 'redirect' | 'html' | 'silent' | 'used token' | 'other host',
  };
  api.answer = ({ headers, url }, response) => {
    const time = String(headers['kc-api-timestamp']);
    const sign = createHmac('sha256', SECRET).update(`${time}POST${url}`).digest('base64');
    const isSigned = headers['kc-api-sign'] === sign && Math.abs(Date.now() - Number(time)) < 5_000;
    const token = `session-token-${api.asked.length}-x9`;
    const endpoint = state.mode === 'other host' ? 'ws://localhost:1' : server.url;
    if (state.mode === 'silent') return;
    if (state.mode === 'error') response.writeHead(500).end(`{"why":"${SECRET}"}`);
    else if (state.mode === 'redirect') response.writeHead(302, { location: 'http://evil.example/' }).end();
    else if (state.mode === 'html') response.writeHead(200, { 'content-type': 'text/html' }).end('<html>');
    else if (!isSigned) response.writeHead(401).end();
    else {
      if (state.mode === 'good') tokens.add(token);
      response.end(JSON.stringify({ data: { token, instanceServers: [{ endpoint, pingInterval: 18_000 }] } }));
    }
  };
  const send = (count: number) => {
    for (let n = 0; n < count; n += 1) {
      seq += 1;
      for (const { ws } of server.live) ws.send(`{"seq":${seq}}`);
    }
  };
  return { api, server, state, send, seq: () => seq };
}

/** An exchange that wants a logon signed with Ed25519. */
async function startSigned(t: Parameters<typeof startHttpAnswers>[0]) {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const logons: boolean[] = [];
  const server = await FeedServer.start(t, {
    greet: ({ ws }) =>
      ws.on('message', (data) => {
        const { params } = JSON.parse(String(data)) as { params: { timestamp: number; signature: string } };
        const text = Buffer.from(`apiKey=me&timestamp=${params.timestamp}`);
        const isGood = verify(null, text, publicKey, Buffer.from(params.signature, 'base64'));
        logons.push(isGood);
        ws.send(JSON.stringify({ status: isGood ? 200 : 401 }));
        if (isGood) ws.send('{"balance":1}');
      }),
  });
  return { server, logons, key: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
}

test('a feed that is prepared by HTTP and signed loses nothing while its API fails in every way', async (t) => {
  const bullet = await startBullet(t);
  const signed = await startSigned(t);
  const env = { API_URL: bullet.api.url, API_SECRET: SECRET, FEED_URL: signed.server.url, ED25519_KEY: signed.key };
  const gateway = await startGateway(t, { config: 'test/fixtures/signed-feed.yaml', env });
  await bullet.server.connection(1);
  const isLive = () => bullet.server.live.some(({ received }) => received.length > 0);
  await until(isLive, 20_000, () => `not subscribed:\n${gateway.output()}`);
  bullet.send(10);
  const reasons = [
    ['error', /bullet-private of prepare: the server answers 500 Internal Server Error/],
    ['redirect', /answers 302 Found, and redirects are not followed/],
    ['html', /the answer is not JSON \(text\/html\)/],
    ['used token', /the server closed with 1008/],
    ['other host', /names the host localhost, which is not in hosts/],
  ] as const;
  for (const [mode, expected] of reasons) {
    bullet.state.mode = mode;
    const before = gateway.output().length;
    for (const { ws } of bullet.server.live) ws.terminate();
    bullet.send(10);
    await until(
      () => expected.test(gateway.output().slice(before)),
      20_000,
      () => `${mode} is not told:\n${gateway.output().slice(before)}`,
    );
  }
  bullet.state.mode = 'good';
  const settled = async () => {
    const { body } = await gateway.get('/metrics');
    return Number(/tidegate_remote_settled_total\{component="pipelines.bullet[^}]*\} (\d+)/.exec(body)?.[1] ?? 0);
  };
  await until(
    async () => (await settled()) === bullet.seq(),
    30_000,
    () => `not all came:\n${gateway.output().slice(-3_000)}`,
  );
  await until(
    () => signed.logons.length > 0 && signed.logons.every(Boolean),
    20_000,
    () => 'no good logon',
  );
  const { body: metrics } = await gateway.get('/metrics');
  assert.equal(await gateway.stop(), 0);
  assert.equal(await countRecords(gateway.dataDir, 'market'), bullet.seq());
  assert.equal(await countRecords(gateway.dataDir, 'account'), 1);
  const shown = gateway.output() + metrics;
  assert.doesNotMatch(shown, /secret-of-the-api|session-token-\d+-x9/);
  assert.ok(!shown.includes(signed.key.split('\n')[1] as string));
});
