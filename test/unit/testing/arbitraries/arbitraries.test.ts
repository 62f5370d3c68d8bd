import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { test } from 'node:test';
import fc from 'fast-check';
import * as ws from 'ws';
import { loadConfig } from '../../../../src/config/index.ts';
import { compileExpression } from '../../../../src/sdk/index.ts';
import { arbitraries, Simulation } from '../../../../src/testing/index.ts';

/** What reads frames in ws, which its types leave out. */
const { Receiver } = ws as unknown as {
  readonly Receiver: new (options: object) => EventEmitter & { write(bytes: Buffer): void };
};

const RUNS = Number(process.env.RUNS ?? 60);

test('any configuration passes lint without a warning', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraries.anyConfiguration, async (configuration) => {
      const { config, warnings } = await loadConfig(configuration, { env: {}, production: null });
      assert.deepEqual(
        warnings.filter(({ severity }) => severity !== 'note'),
        [],
      );
      assert.equal(Object.keys(config.pipelines).length, 3 * Object.keys(config.endpoints).length);
    }),
    { numRuns: RUNS },
  );
});

test('any pipeline passes lint in a configuration that has its endpoint and its topics', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraries.anyPipeline, async (pipeline) => {
      const configuration = {
        log: { driver: 'embedded' },
        listeners: { public: { port: 0 } },
        endpoints: { clients: { listener: 'public', path: '/ws', codec: 'raw' } },
        pipelines: { one: pipeline },
      };
      const { config } = await loadConfig(configuration, { env: {}, production: null });
      assert.deepEqual(Object.keys(config.pipelines), ['one']);
    }),
    { numRuns: RUNS },
  );
});

test('a gateway runs any configuration', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraries.anyConfiguration, async (configuration) => {
      const simulation = await Simulation.start(configuration);
      await simulation.stop();
    }),
    { numRuns: 5 },
  );
});

test('any expression compiles', () => {
  fc.assert(
    fc.property(arbitraries.anyExpression, (text) => {
      assert.equal(typeof compileExpression(text).evaluate, 'function');
    }),
    { numRuns: 200 },
  );
});

test('a message of a client is read by a WebSocket server as it was', async () => {
  await fc.assert(
    fc.asyncProperty(arbitraries.anyFrameContent, async (content) => {
      const receiver = new Receiver({ isServer: true });
      const read = new Promise<[Buffer, boolean]>((resolve, reject) => {
        receiver.on('message', (data: Buffer, isBinary: boolean) => resolve([data, isBinary]));
        receiver.on('error', reject);
      });
      receiver.write(arbitraries.clientFrame(content));
      assert.deepEqual(await read, [content.data, content.binary]);
    }),
  );
});

test('any frame has the length that its head says, and a mask', () => {
  fc.assert(
    fc.property(arbitraries.anyFrame, (bytes) => {
      const [first = 0, second = 0] = bytes;
      assert.equal(second & 0x80, 0x80);
      const short = second & 0x7f;
      const [head, length] =
        short < 126 ? [2, short] : short === 126 ? [4, bytes.readUInt16BE(2)] : [10, Number(bytes.readBigUInt64BE(2))];
      assert.equal(bytes.length, head + 4 + length);
      // Control frames are short and whole (RFC 6455 5.5).
      if ((first & 0x08) !== 0) assert.ok(short < 126 && (first & 0x80) !== 0);
    }),
  );
});

test('any handshake has a path and a query that a URL can have', () => {
  fc.assert(
    fc.property(arbitraries.anyHandshake, ({ path, query, headers }) => {
      const url = new URL(`ws://host${path}?${new URLSearchParams(query)}`);
      assert.deepEqual(Object.fromEntries(url.searchParams), query);
      for (const [name, value] of Object.entries(headers)) assert.match(`${name}: ${value}`, /^[a-z-]+: [!-~]+$/);
    }),
  );
});

test('messages of a batch have each a payload, and some have equal keys', () => {
  const batches = fc.sample(arbitraries.anyBatch, { seed: 1, numRuns: 50 });
  const keys = batches.flatMap(({ messages }) => messages.map(({ key }) => key));
  assert.ok(new Set(keys).size < keys.length && new Set(keys).size > 3);
  for (const { messages } of batches) for (const { payload } of messages) assert.ok(Buffer.isBuffer(payload));
});
