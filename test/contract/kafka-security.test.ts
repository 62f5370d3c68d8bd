import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../src/core/clock.ts';
import type { LinkState, Log } from '../../src/core/log.ts';
import type { Logger } from '../../src/telemetry/logger.ts';
import { createStats } from '../../src/telemetry/stats.ts';
import {
  createTopic,
  eventually,
  Joined,
  laneOf,
  numbers,
  openReader,
  records,
  store,
  texts,
  uniqueName,
} from '../../src/testing/contract/fixture.ts';
import { kafkaSchema } from '../../src/transports/kafka/connection/schema.ts';
import { createKafkaLog } from '../../src/transports/kafka/index.ts';
import { Authority } from '../helpers/certificates.ts';
import { PASSWORD, requireSecureKafka, type SecureKafka, SHORT_SESSION, USER } from '../services/secure-kafka.ts';

const noop = () => undefined;
const logger: Logger = { debug: noop, info: noop, warn: noop, error: noop, child: () => logger };

/** Settings as they are in a configuration. */
type Settings = Readonly<Record<string, unknown>>;

const password = (mechanism: string, word = PASSWORD) => ({ mechanism, username: USER, password: word });
const oauth = (oauthbearer: object) => ({ mechanism: 'oauthbearer', oauthbearer });

test('Kafka with TLS and SASL', async (t) => {
  const secure = await requireSecureKafka(t);
  if (secure === undefined) return;
  const { authority, sasl } = secure;
  const ssl = { ca: authority.file };
  const folder = temporaryFolder(t);
  const tokenFile = join(folder, 'token');
  const tokens = await TokenServer.start(t, secure);
  writeFileSync(tokenFile, `${secure.token(600)}\n`);
  const client = authority.issue({ name: 'gateway' });
  const own = { cert: join(folder, 'client.pem'), key: join(folder, 'client.key') };
  writeFileSync(own.cert, client.cert);
  writeFileSync(own.key, client.key);
  const granted = { token_endpoint: tokens.url, client_id: 'us', client_secret: 'a b:c', scope: 'kafka' };
  const ways: Record<string, Settings> = {
    PLAIN: { brokers: sasl, ssl, sasl: password('plain') },
    'SCRAM-SHA-256': { brokers: sasl, ssl, sasl: password('scram-sha-256') },
    'SCRAM-SHA-512': { brokers: sasl, ssl, sasl: password('scram-sha-512') },
    'OAUTHBEARER with a token file': { brokers: sasl, ssl, sasl: oauth({ token_file: tokenFile }) },
    'OAUTHBEARER with a command': { brokers: sasl, ssl, sasl: oauth({ command: ['cat', tokenFile] }) },
    'OAUTHBEARER with client credentials': {
      brokers: sasl,
      ssl,
      sasl: oauth({ ...granted, extensions: { tenant: 'a' } }),
    },
    'a client certificate': { brokers: secure.mutual, ssl: { ...ssl, ...own } },
  };
  const running: Promise<void>[] = [];
  for (const [name, settings] of Object.entries(ways))
    running.push(t.test(`${name}: topics, records, groups and transactions`, (one) => useAll(one, settings)));
  await Promise.all(running.splice(0));

  const refusals: [string, Settings, RegExp][] = [
    ...['plain', 'scram-sha-256', 'scram-sha-512'].map((mechanism): [string, Settings, RegExp] => [
      `a wrong password of ${mechanism}`,
      { brokers: sasl, ssl, sasl: password(mechanism, 'wrong') },
      /^localhost:\d+: SASL .* failed: .*(invalid credentials|Invalid username or password).*; check username, password and mech/i,
    ]),
    [
      'an expired token',
      { brokers: sasl, ssl, sasl: oauth({ command: ['echo', secure.token(-60)] }) },
      /^localhost:\d+: SASL authentication failed: the broker refuses the token: .*; check log\.sasl\.oauthbearer, and/,
    ],
    [
      'a token of another issuer',
      { brokers: sasl, ssl, sasl: oauth({ command: ['echo', `${secure.token(60).slice(0, -8)}AAAAAAAA`] }) },
      /: the broker refuses the token: .*; check log\.sasl\.oauthbearer/,
    ],
    [
      'a command that fails',
      { brokers: sasl, ssl, sasl: oauth({ command: 'exit 3' }) },
      /: log\.sasl\.oauthbearer\.command ended with 3; run it by hand to see why; check log\.sasl/,
    ],
    [
      'a token endpoint that refuses',
      { brokers: sasl, ssl, sasl: oauth({ ...granted, client_secret: 'wrong' }) },
      /: no token from http:\/\/127\.0\.0\.1:\d+\/token: it answers 401 \(invalid_client\); check client_id, client_secret/,
    ],
    [
      'an unknown authority',
      { brokers: sasl, ssl: true, sasl: password('plain') },
      /localhost:\d+: (unable to verify|self-signed).*; name the authority that signed it in log\.ssl\.ca$/,
    ],
    [
      'another host than that of the certificate',
      { brokers: sasl, ssl: { ...ssl, servername: 'other.test' }, sasl: password('plain') },
      /localhost:\d+: Hostname\/IP does not match .*; connect by a name that is in the certificate, or set log\.ssl\.serv/,
    ],
    [
      'a certificate of a stranger',
      { brokers: secure.mutual, ssl: { ...ssl, ...strangerIn(t, folder) } },
      /localhost:\d+: the broker refuses TLS \(.*alert.*\); check log\.ssl$/,
    ],
    ['no SASL at all', { brokers: sasl, ssl }, /localhost:\d+ closed the connection; it may be .* SASL \(log\.sasl\)/],
    ['no TLS at all', { brokers: sasl, sasl: password('plain') }, /localhost:\d+|127\.0\.0\.1/],
  ];
  await t.test('what is refused is reported once, with the broker, the reason and what to check', async (one) => {
    const reasons = await Promise.all(refusals.map(([, settings]) => whyDown(one, settings)));
    for (const [index, [name, , expected]] of refusals.entries()) assert.match(reasons[index] ?? '', expected, name);
  });

  await t.test('sessions that end every few seconds lose no record, and no connection', async (one) => {
    const short = { brokers: secure.short, ssl };
    const asked = tokens.granted;
    const every: Settings[] = [
      { ...short, sasl: password('scram-sha-512') },
      { ...short, sasl: oauth({ ...granted, scope: 'short' }) },
    ];
    await Promise.all(every.map((settings) => writeThrough(one, settings, (SHORT_SESSION * 2 + 1) * 1_000)));
    // Tokens of 8 s, each of which is used for 4 s.
    assert.ok(tokens.granted - asked >= 2, `${tokens.granted - asked} tokens were granted`);
  });
});

function open(t: TestContext, settings: Settings): { log: Log; states: LinkState[]; opened: Promise<void> } {
  const log = createKafkaLog({ ...kafkaSchema.parse(settings), logger, stats: createStats(), clock: systemClock });
  const states: LinkState[] = [];
  log.link$.subscribe((state) => states.push(state));
  t.after(() => log.close());
  return { log, states, opened: log.open() };
}

async function useAll(t: TestContext, settings: Settings): Promise<void> {
  const { log, states, opened } = open(t, settings);
  await opened;
  const [source, results] = [await createTopic(t, log), await createTopic(t, log)];
  await store(laneOf(t, log, source), records(20));
  const { seen: read } = await openReader(t, log, [source], 'earliest');
  await read.atLeast(20);
  const group = uniqueName('group');
  // The first transactions of a broker fail until it has made its topic for them.
  const transactions = { name: uniqueName('writer'), interval: 200, bytes: 1_000_000 };
  const joined = new Joined(t, log, {
    group,
    topics: [source],
    from: 'earliest',
    commitInterval: 600_000,
    transactions,
  });
  const messages = await joined.seen.atLeast(20);
  joined.member.write(
    results,
    messages.map((message) => message.derive({ payload: Buffer.from(`r${message.text}`) })),
  );
  await eventually(async () => (await log.admin.committed(group, source)).get(0) === 20, 'all is committed');
  const { seen } = await openReader(t, log, [results], 'earliest');
  assert.deepEqual(
    texts(await seen.atLeast(20)),
    numbers(0, 20).map((n) => `r${n}`),
  );
  assert.ok(states.every(({ state }) => state !== 'down'));
}

/** Why a log cannot be reached, once that is known. */
async function whyDown(t: TestContext, settings: Settings): Promise<string> {
  const { states, opened } = open(t, settings);
  opened.catch(noop);
  await eventually(async () => states.some(({ state }) => state === 'down'), 'the log is down');
  const reasons = states.flatMap((state) => (state.state === 'down' ? [state.reason] : []));
  assert.equal(reasons.length, 1);
  return reasons[0] ?? '';
}

/** Writes and reads records for a while; all have to come in their order, without a retry. */
async function writeThrough(t: TestContext, settings: Settings, milliseconds: number): Promise<void> {
  const { log, states, opened } = open(t, settings);
  await opened;
  const topic = await createTopic(t, log);
  const { seen } = await openReader(t, log, [topic], 'earliest');
  const retries: unknown[] = [];
  const lane = log.lane(topic, {
    retrying: (error) => void retries.push(error),
    recovered() {},
    duplicatesPossible() {},
  });
  t.after(() => lane.abandon());
  let written = 0;
  for (const end = Date.now() + milliseconds; Date.now() < end; written += 2) {
    await store(lane, records(2, {}, written));
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.deepEqual(texts(await seen.atLeast(written)), numbers(0, written).map(String));
  assert.deepEqual(retries, []);
  assert.deepEqual(
    states.map(({ state }) => state).filter((state) => state !== 'connecting'),
    ['up'],
  );
}

/** Gives tokens for client credentials. */
class TokenServer {
  readonly url: string;
  granted = 0;

  static async start(t: TestContext, secure: SecureKafka): Promise<TokenServer> {
    const expected = `Basic ${Buffer.from('us:a+b%3Ac').toString('base64')}`;
    let tokens: TokenServer | undefined;
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (bytes) => {
        body += bytes;
      });
      request.on('end', () => {
        const form = new URLSearchParams(body);
        const isKnown = request.headers.authorization === expected && form.get('grant_type') === 'client_credentials';
        const seconds = form.get('scope') === 'short' ? 8 : 600;
        response.statusCode = isKnown ? 200 : 401;
        if (isKnown && tokens !== undefined) tokens.granted += 1;
        const answer = isKnown
          ? { access_token: secure.token(seconds), expires_in: seconds }
          : { error: 'invalid_client' };
        response.end(JSON.stringify(answer));
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => void server.close());
    tokens = new TokenServer(`http://127.0.0.1:${(server.address() as AddressInfo).port}/token`);
    return tokens;
  }

  constructor(url: string) {
    this.url = url;
  }
}

function strangerIn(t: TestContext, folder: string): { cert: string; key: string } {
  const { cert, key } = new Authority(t, 'Other CA').issue({ name: 'stranger' });
  const files = { cert: join(folder, 'stranger.pem'), key: join(folder, 'stranger.key') };
  writeFileSync(files.cert, cert);
  writeFileSync(files.key, key);
  return files;
}

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidegate-security-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
