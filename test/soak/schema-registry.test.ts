import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';
import { requireSchemaRegistry } from '../services/schema-registry.ts';

const ROOT = fileURLToPath(new URL(import.meta.url.includes('/dist/') ? '../../../' : '../../', import.meta.url));

const text = ({ frames }: TestClient) => frames.map((frame) => frame.toString());
const outcomes = (client: TestClient) =>
  text(client).map((frame) => (JSON.parse(frame) as { outcome?: string }).outcome);

const field = (name: string, type: unknown, more: object = {}) => ({ name, type, ...more });
const orderOf = (...fields: object[]) => ({ type: 'record', name: 'Order', namespace: 'shop', fields });
const V1 = orderOf(
  field('id', 'long'),
  field('at', { type: 'long', logicalType: 'timestamp-millis' }),
  field('total', { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 }),
);
const V2 = orderOf(...V1.fields, field('note', ['null', 'string'], { default: null }));

test('messages are written and read by the schemas of a real registry, which may be away', async (t) => {
  const registry = await requireSchemaRegistry(t);
  if (registry === undefined) return;
  await registry.register('orders-value', V1);
  registry.pause();
  const env = { REGISTRY_URL: registry.url, PROTO_FILE: join(ROOT, 'test/fixtures/order.proto') };
  const gateway = await startGateway(t, { config: 'test/fixtures/schemas.yaml', env });
  await gateway.ready();
  const base = `ws://127.0.0.1:${gateway.port}`;
  const open = (path: string) => TestClient.open(`${base}/${path}`);
  const [avro, avroRead] = await Promise.all([open('avro'), open('avro-read')]);
  const order = (id: string, more = '') =>
    `{"id":${id},"at":"2026-11-30T06:48:01.123Z","total":1234567890123456.70${more}}`;

  // Away: nothing is answered, and nothing is lost once it is back.
  const ids = ['9007199254740993', '2', '3', '4', '5'];
  for (const id of ids) avro.ws.send(order(id));
  await untilRetried(gateway.get);
  assert.equal(avro.frames.length, 0);
  registry.resume();
  await avro.until(() => avro.frames.length === ids.length, 30_000);
  assert.deepEqual(
    outcomes(avro),
    ids.map(() => 'stored'),
  );
  await avroRead.until(() => avroRead.frames.length === ids.length, 30_000);
  assert.deepEqual(
    text(avroRead),
    ids.map((id) => order(id)),
  );

  // Evolution: the newest schema is used once it is known, and both are read.
  await registry.register('orders-value', V2);
  for (let tries = 1; ; tries += 1) {
    const count = avro.frames.length;
    avro.ws.send(order('6', ',"note":"new"'));
    await avro.until(() => avro.frames.length > count, 30_000);
    if (outcomes(avro).at(-1) === 'stored') break;
    assert.ok(tries < 100, text(avro).at(-1));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  avro.ws.send(order('7'));
  await avroRead.until(() => avroRead.frames.length === ids.length + 2, 30_000);
  assert.deepEqual(text(avroRead).slice(-2), [order('6', ',"note":"new"'), order('7', ',"note":null')]);

  // Protobuf: a message that is not the first of its schema, registered by the gateway.
  const [protobuf, protobufRead] = await Promise.all([open('protobuf'), open('protobuf-read')]);
  const sent =
    '{"id":"9007199254740993","customer":{"name":"Ada"},"items":[{"sku":"a","price":1.5}],"orderedAt":"2026-11-30T06:48:01.123456Z"}';
  protobuf.ws.send(sent);
  await protobufRead.until(() => protobufRead.frames.length === 1, 30_000);
  assert.deepEqual(text(protobufRead), [sent]);
  const subjects = (await (await fetch(`${registry.url}/subjects`)).json()) as string[];
  assert.ok(subjects.includes('protobuf-orders-shop.Order'), subjects.join());

  const missing = await open('missing');
  missing.ws.send(order('1'));
  await missing.until(() => missing.frames.length === 1, 30_000);
  assert.match(text(missing)[0] ?? '', /has no subject there-is-none; register a schema there, or set register: true/);
});

/** Resolves once the gateway has tried a message again. */
async function untilRetried(get: (path: string) => Promise<{ body: string }>): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    const { body } = await get('/metrics');
    if (/tidegate_pipeline_retries_total\{[^}]*pipeline="avro-in"[^}]*\} [1-9]/.test(body)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail('no message was tried again');
}
