import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { TidegateError } from '../../../../src/core/errors.ts';
import { Message } from '../../../../src/core/message.ts';
import { decode } from '../../../../src/pipelines/processors/decode.ts';
import { encode } from '../../../../src/pipelines/processors/encode.ts';
import { makeComponent } from '../../../../src/sdk/make.ts';
import { tlsFile } from '../../../helpers/feed-server.ts';
import { fakeContext } from '../parts.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const V1 = { type: 'record', name: 'Order', namespace: 'shop', fields: [{ name: 'id', type: 'long' }] };
const answer = (response: ServerResponse, json: unknown, status = 200) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
};
const schema = (text: object | string = V1, more: object = {}) => ({
  schema: typeof text === 'string' ? text : JSON.stringify(text),
  ...more,
});

/** A registry in the test's hand; `asked`: each request as METHOD PATH. */
async function registryOf(t: TestContext, handler: Handler, isTls = false) {
  const asked: string[] = [];
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    asked.push(`${request.method} ${request.url}`);
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => handler(request, response, body));
  };
  const certificate = { cert: readFileSync(tlsFile('server.pem')), key: readFileSync(tlsFile('server.key.pem')) };
  const server = isTls ? createTlsServer(certificate, listener) : createServer(listener);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`, asked };
}

function processorOf(spec: typeof decode | typeof encode, config: unknown) {
  const { context } = fakeContext();
  const processor = makeComponent(spec, spec.config.parse(config), context);
  const clock = context.clock as unknown as { advance(milliseconds: number): void };
  const run = async (payload: Buffer | string) => {
    const made = await processor.process(new Message(Buffer.from(payload as string)));
    return (made as Message).payload;
  };
  return { run, clock };
}

const framed = (id: number, ...bytes: number[]) => Buffer.from([0, 0, 0, 0, id, ...bytes]);
const failing = (code: string, what: RegExp) => (error: unknown) => {
  assert.ok(error instanceof TidegateError, String(error));
  assert.equal(error.code, code, error.message);
  assert.match(error.message, what);
  return true;
};

test('a schema is fetched once, with those that it uses, and read by its id', async (t) => {
  const order = {
    ...V1,
    fields: [
      { name: 'id', type: 'long' },
      { name: 'of', type: 'shop.Customer' },
    ],
  };
  const customer = { type: 'record', name: 'Customer', namespace: 'shop', fields: [{ name: 'n', type: 'int' }] };
  const { url, asked } = await registryOf(t, (request, response) => {
    if (request.url === '/api/schemas/ids/7')
      answer(response, schema(order, { references: [{ name: 'shop.Customer', subject: 'a/b', version: 3 }] }));
    else answer(response, schema(customer));
  });
  const { run } = processorOf(decode, { avro: { registry: { url: `${url}/api/` } } });
  for (let times = 0; times < 3; times += 1) assert.equal(String(await run(framed(7, 2, 4))), '{"id":1,"of":{"n":2}}');
  assert.deepEqual(asked, ['GET /api/schemas/ids/7', 'GET /api/subjects/a%2Fb/versions/3']);
});

test('an id that the registry does not have fails the message, and is asked for again after ten seconds', async (t) => {
  const { url, asked } = await registryOf(t, (_, response) =>
    answer(response, { error_code: 40403, message: 'none' }, 404),
  );
  const { run, clock } = processorOf(decode, { avro: { registry: { url } } });
  const unknown = failing(
    'TG_MESSAGE_INVALID',
    /cannot be decoded as avro: the schema registry http:\/\/.* has no schema 9$/,
  );
  await assert.rejects(run(framed(9, 2)), unknown);
  await assert.rejects(run(framed(9, 2)), unknown);
  assert.equal(asked.length, 1);
  clock.advance(10_001);
  await assert.rejects(run(framed(9, 2)), unknown);
  assert.equal(asked.length, 2);
  for (const payload of ['', '{}', '\u0001\u0000\u0000\u0000\u0001x'])
    await assert.rejects(
      run(payload),
      failing('TG_MESSAGE_INVALID', /does not begin with a byte 0 and the id of a schema/),
    );
  assert.equal(asked.length, 2);
});

test('a registry that is away, or says that it cannot work now, is busy; the same message works later', async (t) => {
  const answers = [500, 503, 429, 408];
  let isSilent = true;
  const { url } = await registryOf(t, (_, response) => {
    const status = answers.shift();
    if (status !== undefined) answer(response, {}, status);
    else if (!isSilent) answer(response, schema());
  });
  const { run } = processorOf(decode, { avro: { registry: { url, timeout: '300ms' } } });
  for (const status of [...answers])
    await assert.rejects(run(framed(1, 2)), failing('TG_PROCESSOR_BUSY', new RegExp(`answers with status ${status}`)));
  await assert.rejects(run(framed(1, 2)), failing('TG_PROCESSOR_BUSY', /has not answered within 300 ms/));
  isSilent = false;
  assert.equal(String(await run(framed(1, 2))), '{"id":1}');
  const gone = processorOf(decode, { avro: { registry: { url: 'http://127.0.0.1:1' } } });
  await assert.rejects(gone.run(framed(1, 2)), failing('TG_PROCESSOR_BUSY', /cannot be reached: .*ECONNREFUSED/));
});

test('a registry that lies fails the message with what it said', async (t) => {
  let handler: Handler = () => {};
  const { url } = await registryOf(t, (...call) => handler(...call));
  const cases: readonly (readonly [Handler, string, RegExp])[] = [
    [(_, r) => r.end('<html>'), 'TG_PROCESSOR_FAILED', /not a JSON object; check "url"/],
    [(_, r) => answer(r, []), 'TG_PROCESSOR_FAILED', /not a JSON object/],
    [(_, r) => answer(r, { schema: 7 }), 'TG_PROCESSOR_FAILED', /without a "schema" that is a text/],
    [
      (_, r) => answer(r, schema('{')),
      'TG_PROCESSOR_FAILED',
      /the schema \d+ of the registry cannot be used: the Avro schema is not JSON/,
    ],
    [(_, r) => answer(r, schema(V1, { schemaType: 'XML' })), 'TG_PROCESSOR_FAILED', /a schema of the type XML/],
    [
      (_, r) => answer(r, schema('syntax', { schemaType: 'PROTOBUF' })),
      'TG_MESSAGE_INVALID',
      /of the type PROTOBUF, and not AVRO/,
    ],
    [(_, r) => answer(r, schema(V1, { references: 'x' })), 'TG_PROCESSOR_FAILED', /"references" that are no list/],
    [
      (_, r) => answer(r, schema(V1, { references: [{ name: 'a' }] })),
      'TG_PROCESSOR_FAILED',
      /no name, subject and version/,
    ],
    [
      (_, r) => answer(r, schema(V1, { references: [{ name: 'a', subject: 'a', version: 1 }] })),
      'TG_PROCESSOR_FAILED',
      /uses more than 200 others, or itself/,
    ],
    [
      (_, r) => answer(r, { message: 's3cret-token is wrong' }, 401),
      'TG_PROCESSOR_FAILED',
      /refuses the request \(status 401\); check "auth"/,
    ],
    [
      (_, r) => answer(r, { message: 'no s3cret-token' }, 404),
      'TG_PROCESSOR_FAILED',
      /status 404: no \*\*\*; check "url"/,
    ],
    [(_, r) => r.writeHead(302, { location: '/' }).end(), 'TG_PROCESSOR_FAILED', /answers with status 302/],
    [(_, r) => r.end(Buffer.alloc(9 * 1_048_576, 32)), 'TG_PROCESSOR_FAILED', /answers with more than 8388608 bytes/],
    [
      (_, r) => {
        const timer = setInterval(() => r.write(' '), 20);
        r.on('close', () => clearInterval(timer));
      },
      'TG_PROCESSOR_BUSY',
      /has not answered within 1000 ms/,
    ],
  ];
  for (const [index, [one, code, what]] of cases.entries()) {
    handler = one;
    const { run } = processorOf(decode, {
      avro: { registry: { url, timeout: '1s', auth: { token: 's3cret-token' } } },
    });
    await assert.rejects(run(framed(index + 1, 2)), failing(code, what));
  }
});

test('the newest schema of a subject is used, and a newer one after a while; away, the one before stays', async (t) => {
  let current: unknown = schema(V1, { id: 5 });
  const { url, asked } = await registryOf(t, (_, response) => {
    if (current === undefined) answer(response, {}, 500);
    else answer(response, current);
  });
  const { run, clock } = processorOf(encode, { avro: { registry: { url, topic: 'orders', refresh: '1m' } } });
  assert.deepEqual([...(await run('{"id":1}'))], [0, 0, 0, 0, 5, 2]);
  current = schema({ ...V1, fields: [...V1.fields, { name: 'n', type: 'int', default: 3 }] }, { id: 6 });
  assert.deepEqual([...(await run('{"id":1}'))], [0, 0, 0, 0, 5, 2]);
  clock.advance(60_001);
  assert.deepEqual([...(await run('{"id":1}'))], [0, 0, 0, 0, 6, 2, 6]);
  current = undefined;
  clock.advance(60_001);
  assert.deepEqual([...(await run('{"id":1}'))], [0, 0, 0, 0, 6, 2, 6]);
  assert.deepEqual(new Set(asked), new Set(['GET /subjects/orders-value/versions/latest']));
  assert.equal(asked.length, 3);
});

test('a subject that is missing, and a schema that is not compatible, fail with what to do', async (t) => {
  const { url } = await registryOf(t, (request, response) => {
    if (request.method === 'GET') answer(response, { error_code: 40401 }, 404);
    else answer(response, { error_code: 409, message: 'READER_FIELD_MISSING' }, 409);
  });
  const latest = processorOf(encode, { avro: { registry: { url, subject: 'gone' } } });
  await assert.rejects(
    latest.run('{"id":1}'),
    failing('TG_PROCESSOR_FAILED', /has no subject gone; register a schema there, or set register: true/),
  );
  const registering = processorOf(encode, { avro: { schema: V1, registry: { url, register: true, topic: 'orders' } } });
  await assert.rejects(
    registering.run('{"id":1}'),
    failing('TG_PROCESSOR_FAILED', /is not compatible: READER_FIELD_MISSING/),
  );
});

test('schemas are registered once, under the subject of each strategy, with credentials', async (t) => {
  const bodies: string[] = [];
  const { url, asked } = await registryOf(t, (request, response, body) => {
    bodies.push(`${request.headers.authorization} ${body}`);
    answer(response, { id: 3 });
  });
  const proto =
    'syntax = "proto3"; package shop; message A { int32 n = 1; } message Order { int64 id = 1; message In { bool b = 1; } }';
  const auth = { username: 'ada', password: 'pw' };
  const settings = (more: object) => ({ url, register: true, topic: 'orders', auth, ...more });
  const cases: readonly (readonly [unknown, string, number[], string])[] = [
    [{ avro: { schema: V1, registry: settings({}) } }, '{"id":1}', [2], 'orders-value'],
    [{ avro: { schema: V1, registry: settings({ strategy: 'record' }) } }, '{"id":1}', [2], 'shop.Order'],
    [{ avro: { schema: V1, registry: settings({ strategy: 'topic_record' }) } }, '{"id":1}', [2], 'orders-shop.Order'],
    [{ protobuf: { schema: proto, registry: settings({}) } }, '{"n":1}', [0, 8, 1], 'orders-value'],
    [
      { protobuf: { schema: proto, message: 'Order', registry: settings({ strategy: 'record' }) } },
      '{"id":1}',
      [2, 2, 8, 1],
      'shop.Order',
    ],
    [
      { protobuf: { schema: proto, message: 'In', registry: settings({ subject: 's' }) } },
      '{"b":true}',
      [4, 2, 0, 8, 1],
      's',
    ],
    [
      { json: { schema: { type: 'object' }, registry: settings({}) } },
      '{ "a": 1 }',
      [...Buffer.from('{"a":1}')],
      'orders-value',
    ],
  ];
  for (const [config, json, bytes, subject] of cases) {
    const { run } = processorOf(encode, config);
    assert.deepEqual([...(await run(json))], [0, 0, 0, 0, 3, ...bytes]);
    assert.deepEqual([...(await run(json))], [0, 0, 0, 0, 3, ...bytes]);
    assert.equal(asked.pop(), `POST /subjects/${subject}/versions`);
    assert.equal(asked.length, 0);
  }
  assert.equal(
    bodies[0],
    `Basic ${Buffer.from('ada:pw').toString('base64')} ${JSON.stringify({ schema: JSON.stringify(V1) })}`,
  );
  assert.match(bodies[3] ?? '', /"schemaType":"PROTOBUF"/);
});

test('Protobuf is read by its message indexes, and JSON as it is', async (t) => {
  const proto = 'syntax = "proto3"; message A { int32 n = 1; } message B { message In { bool b = 1; } }';
  const { url } = await registryOf(t, (request, response) =>
    answer(
      response,
      request.url?.endsWith('/2') ? schema('{}', { schemaType: 'JSON' }) : schema(proto, { schemaType: 'PROTOBUF' }),
    ),
  );
  const { run } = processorOf(decode, { protobuf: { registry: { url } } });
  assert.equal(String(await run(framed(1, 0, 8, 5))), '{"n":5}');
  assert.equal(String(await run(framed(1, 4, 2, 0, 8, 1))), '{"b":true}');
  await assert.rejects(run(framed(1, 2, 18, 8, 1)), failing('TG_MESSAGE_INVALID', /no message at \[9\]/));
  await assert.rejects(
    run(framed(1, 0xfe, 0xff, 3)),
    failing('TG_MESSAGE_INVALID', /names its message by 32767 indexes/),
  );
  const json = processorOf(decode, { json: { registry: { url } } });
  assert.equal(String(await json.run(framed(2, ...Buffer.from('{"a": 9007199254740993}')))), '{"a": 9007199254740993}');
});

test('https:// is spoken with the certificates of the settings, and not without', async (t) => {
  const { url } = await registryOf(t, (_, response) => answer(response, schema()), true);
  const tls = { ca: tlsFile('ca.pem'), servername: 'localhost' };
  const { run } = processorOf(decode, { avro: { registry: { url, tls } } });
  assert.equal(String(await run(framed(1, 2))), '{"id":1}');
  const without = processorOf(decode, { avro: { registry: { url } } });
  await assert.rejects(without.run(framed(1, 2)), failing('TG_PROCESSOR_BUSY', /cannot be reached: .*certificate/));
});

test('settings that do not go together are refused with what to change', () => {
  const registry = { url: 'http://localhost:8081' };
  const cases: readonly (readonly [typeof decode | typeof encode, unknown, RegExp])[] = [
    [decode, {}, /give exactly one of json, avro/],
    [decode, { avro: {} }, /give exactly one of schema, file and registry/],
    [decode, { avro: { schema: 'long', registry } }, /give exactly one of schema, file and registry/],
    [decode, { avro: { schema: 'lng' } }, /has no type lng/],
    [decode, { avro: { file: 'there/is/none.avsc' } }, /cannot be read/],
    [decode, { protobuf: { schema: 'message M {}', message: 'N' } }, /has no message N/],
    [decode, { avro: { registry: { url: 'localhost:8081' } } }, /does not begin with http/],
    [decode, { avro: { registry: { ...registry, auth: { username: 'a' } } } }, /give username and password, or token/],
    [decode, { csv: { delimiter: '::' } }, /expected one character/],
    [encode, { avro: {} }, /give schema or file, or a registry/],
    [encode, { avro: { registry } }, /the strategy topic needs "topic"/],
    [encode, { avro: { registry: { ...registry, topic: 't', register: true } } }, /register: true needs the schema/],
    [
      encode,
      { avro: { schema: V1, registry: { ...registry, topic: 't' } } },
      /without register: true the newest schema/,
    ],
    [encode, { avro: { registry: { ...registry, strategy: 'record' } } }, /needs "record", the full name/],
    [encode, { json: { schema: {} } }, /use the processor validate/],
  ];
  for (const [spec, config, what] of cases) {
    const { success, error } = spec.config.safeParse(config);
    assert.ok(!success, JSON.stringify(config));
    assert.match(error.issues.map(({ message }) => message).join('; '), what);
  }
});
