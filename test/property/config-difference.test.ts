import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { differenceBetween, loadConfig } from '../../src/config/index.ts';

const NAMES = ['a', 'b', 'c'] as const;

/** A valid configuration: some listeners, endpoints at them, and pipelines at these. */
const configurations = fc
  .record({
    ports: fc.dictionary(fc.constantFrom('one', 'two'), fc.integer({ min: 1_000, max: 1_002 })),
    endpoints: fc.dictionary(
      fc.constantFrom(...NAMES),
      fc.record({
        codec: fc.constantFrom('envelope', 'json'),
        max_connections: fc.integer({ min: 1, max: 3 }),
        frame_timeout: fc.constantFrom('1s', '1000ms', '2s'),
      }),
    ),
    counts: fc.dictionary(fc.constantFrom(...NAMES), fc.integer({ min: 1, max: 3 })),
    topics: fc.dictionary(fc.constantFrom('t', 'u'), fc.record({ partitions: fc.integer({ min: 1, max: 2 }) })),
  })
  .map(({ ports, endpoints, counts, topics }) => {
    const listeners = Object.fromEntries(
      Object.entries({ always: 999, ...ports }).map(([name, port], at) => [name, { port: port + at * 10 }]),
    );
    return {
      log: { driver: 'embedded', topics: { t: {}, ...topics } },
      listeners,
      endpoints: Object.fromEntries(
        Object.entries(endpoints).map(([name, settings]) => [
          name,
          { listener: 'always', path: `/${name}`, direction: 'out', ...settings },
        ]),
      ),
      pipelines: Object.fromEntries(
        Object.entries(counts)
          .filter(([name]) => Object.hasOwn(endpoints, name))
          .map(([name, count]) => [
            name,
            { source: { topic: { names: ['t'] } }, batch: { count }, sink: { endpoint: name } },
          ]),
      ),
    };
  });

const SECTIONS = ['listeners', 'endpoints', 'pipelines'] as const;

test('a plan leads to the new configuration: each part is named, or is the object of the old one', async () => {
  await fc.assert(
    fc.asyncProperty(configurations, configurations, async (from, to) => {
      const [old, next] = await Promise.all([loadConfig(from), loadConfig(to)]);
      const { config, changes, refused, unchanged } = differenceBetween(old, next);
      assert.deepEqual(refused, []);
      assert.deepEqual(
        SECTIONS.map((section) => Object.keys(config[section])),
        SECTIONS.map((section) => Object.keys(next.config[section])),
      );
      const named = new Set(changes.map(({ part }) => part));
      assert.equal(named.size, changes.length, 'a part is named twice');
      let kept = Object.keys(config.log.topics).filter((name) => !named.has(`log.topics.${name}`)).length;
      for (const section of SECTIONS) {
        for (const [name, part] of Object.entries(config[section])) {
          const before = old.config[section][name];
          if (named.has(`${section}.${name}`)) assert.notEqual(part, before, name);
          else {
            assert.equal(part, before, name);
            kept += 1;
          }
          assert.deepEqual(JSON.stringify(part), JSON.stringify(next.config[section][name]), name);
        }
        for (const name of Object.keys(old.config[section]))
          if (!Object.hasOwn(config[section], name)) assert.ok(named.has(`${section}.${name}`));
      }
      assert.equal(unchanged, kept);
      // What was planned once is not planned again, and the same file changes nothing.
      assert.deepEqual(differenceBetween({ ...next, config }, next).changes, []);
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
});

test('a pipeline is replaced with every endpoint that it names', async () => {
  await fc.assert(
    fc.asyncProperty(configurations, configurations, async (from, to) => {
      const [old, next] = await Promise.all([loadConfig(from), loadConfig(to)]);
      const { changes } = differenceBetween(old, next);
      const actions = new Map(changes.map(({ part, action }) => [part, action]));
      for (const name of NAMES) {
        if (actions.get(`endpoints.${name}`) !== 'replaced' || !Object.hasOwn(next.config.pipelines, name)) continue;
        assert.match(String(actions.get(`pipelines.${name}`)), /replaced|added/);
      }
    }),
    { numRuns: 60, includeErrorInReport: true },
  );
});
