import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { ConnectApi } from '../helpers/connect-gateway.ts';
import { FeedServer } from '../helpers/feed-server.ts';
import { freePort, startGateway, until } from '../helpers/gateway-process.ts';

const S4 = 'io.conduktor.connect.websocket.WebSocketSourceConnector';

/** Every secret begins so, and nothing else does. */
const MARK = /geheim/i;
/** What basic authentication makes of `user:geheim-...`, wherever in three bytes it begins. */
const MARK_IN_BASE64 = /Z2VoZWlt|dlaGVpb|nZWhlaW/;
const PASSWORD = 'geheim-pw';
const TOKEN = 'geheim%2Ftok';

/** Takes whatever is sent as traces. */
async function traceSink(t: TestContext): Promise<{ endpoint: string; content(): string }> {
  const chunks: Buffer[] = [];
  const server = createServer((request, response) => {
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => response.writeHead(202).end());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(async () => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  // Thrift's binary protocol has texts as they are.
  return { endpoint: `http://127.0.0.1:${port}/api/traces`, content: () => Buffer.concat(chunks).toString('latin1') };
}

/** The URL with everything secret that a URL can have. */
const withSecrets = (url: string) => {
  const { host } = new URL(url);
  return `ws://user:${PASSWORD}@${host}/v1/geheim0123456789abcdefghij?token=${TOKEN}&format=json&pin=geheim`;
};

const configOf = (url: string, more: object = {}) => ({
  'connector.class': S4,
  'websocket.url': withSecrets(url),
  'kafka.topic': 'feed',
  'websocket.reconnect.interval.ms': '200',
  'websocket.headers': 'X-Api-Key:geheim-header,X-Mine:geheim-mine',
  'websocket.headers.secret': 'X-Mine',
  'websocket.subscription.message': '{"op":"login","password":"geheim-login"}',
  ...more,
});

test('no secret of a connector is in a log line, a trace, a metric or an answer', async (t) => {
  const repeated = `you said user:${PASSWORD} geheim/tok ${TOKEN} geheim-header geheim-bearer geheim-login`;
  const good = await FeedServer.start(t, { greet: ({ ws }) => void ws.send('{"seq":1}') });
  const refusing = await FeedServer.start(t);
  refusing.answer = { status: 401, headers: { 'www-authenticate': repeated } };
  const redirecting = await FeedServer.start(t);
  redirecting.answer = { status: 302, headers: { location: `${withSecrets(redirecting.url)}&again=${TOKEN}` } };
  const repeating = await FeedServer.start(t, { greet: ({ ws }) => ws.close(4000, repeated) });
  const answering = await FeedServer.start(t, { greet: ({ ws }) => void ws.send(repeated) });
  const gone = `ws://127.0.0.1:${await freePort()}`;
  const traces = await traceSink(t);
  const port = await freePort();
  const gateway = await startGateway(t, {
    config: 'config/examples/connector.yaml',
    env: {
      CONNECT_PORT: String(port),
      KAFKA_DRIVER: 'embedded',
      LOG_LEVEL: 'debug',
      DEBUG: 'tidegate:*',
      JAEGER_ENDPOINT: traces.endpoint,
      TRACE_SAMPLE: '1',
    },
  });
  const said: string[] = [];
  const api = new ConnectApi(`http://127.0.0.1:${port}`);
  const call = async (method: string, path: string, body?: object) => {
    const { status, body: answered, headers } = await api.call(method, path, body);
    said.push(JSON.stringify([path, answered, [...headers]]));
    return { status, body: answered };
  };
  const traceOf = async (name: string, expected: RegExp) => {
    const { body } = await api.until(`/connectors/${name}/status`, ({ body }) =>
      expected.test(String(body.tasks?.[0]?.trace)),
    );
    said.push(JSON.stringify(body));
  };
  const create = async (name: string, config: object) => {
    const { status } = await call('POST', '/connectors', { name, config });
    assert.equal(status, 201, said.at(-1));
  };
  await api.until('/health', ({ status }) => status === 200);

  const bearer = { 'websocket.auth.token': 'geheim-bearer' };
  await create('good', configOf(good.url));
  await create('bearer', configOf(good.url, bearer));
  await create('refused', configOf(refusing.url, bearer));
  await create('failed', configOf(refusing.url, { 'websocket.reconnect.enabled': 'false' }));
  await create('redirected', configOf(redirecting.url));
  await create('repeated', configOf(repeating.url, bearer));
  await create('gone', configOf(gone, bearer));
  await create(
    'proxied',
    configOf(good.url, { 'websocket.proxy': `http://user:${PASSWORD}@127.0.0.1:${new URL(gone).port}` }),
  );
  await create('unanswered', {
    ...configOf(answering.url, bearer),
    'websocket.subscriptions': '[{"send":{"secret":"geheim-step"},"expect":{"ok":true},"timeout":"300ms"}]',
  });
  await create('out', { ...configOf(refusing.url, bearer), 'connector.class': 'WebSocketSink', topics: 'feed' });
  await api.state('good', 'RUNNING');
  await traceOf('refused', /401/);
  await traceOf('failed', /TG_REMOTE_FAILED/);
  await traceOf('redirected', /redirects to/);
  await traceOf('repeated', /closed with 4000/);
  await traceOf('gone', /nothing listens/);
  await traceOf('proxied', /proxy .* cannot be reached/);
  await traceOf('unanswered', /no reply to message 2/);
  await traceOf('out', /401/);

  // The response says what is wrong without the value.
  const wrong = configOf(good.url, {
    'tasks.max': 'x',
    'my.proxy': `http://user:${PASSWORD}@h`,
    'websocket.url': `htp://u:${PASSWORD}@h`,
  });
  assert.equal((await call('POST', '/connectors', { name: 'wrong', config: wrong })).status, 400);
  for (const type of ['', 'Nobody'])
    assert.equal(
      (await call('POST', '/connectors', { name: 'wrong', config: { ...wrong, 'connector.class': type } })).status,
      400,
    );
  await call('PUT', `/connector-plugins/${S4}/config/validate`, {
    ...wrong,
    name: 'wrong',
    'websocket.auth.token': 'geheim bearer\n',
  });
  await call(
    'PUT',
    '/connectors/good/config',
    configOf(good.url, { 'my.proxy': `http://user:${PASSWORD}@h`, 'my.secret': 'geheim-own' }),
  );
  await call('PATCH', '/connectors/good/config', { 'websocket.auth.token': 'geheim-new' });
  await call('POST', '/connectors/good/restart?includeTasks=true');
  for (const name of ['good', 'refused', 'failed', 'out'])
    for (const path of ['', '/config', '/status', '/tasks', '/topics', '/offsets', '/tasks/0/status'])
      await call('GET', `/connectors/${name}${path}`);
  await call('GET', '/connectors?expand=info&expand=status');
  await call('GET', '/admin/loggers');
  await until(
    () => /receive connectors\.good/.test(traces.content()),
    30_000,
    () => 'no trace came',
  );
  for (const path of ['/metrics', '/ready', '/health']) said.push((await gateway.get(path)).body);
  assert.equal(await gateway.stop(), 0);

  const output = gateway.output();
  assert.match(output, /"level":"debug"/);
  assert.match(output, /the server said: /);
  for (const [where, text] of Object.entries({ output, traces: traces.content(), said: said.join('\n') })) {
    const lines = text.split('\n').filter((line) => MARK.test(line) || MARK_IN_BASE64.test(line));
    assert.deepEqual(lines, [], where);
  }
});
