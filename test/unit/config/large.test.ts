// Slow: it reads files of megabytes.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { applyS2 } from '../../../src/config/apply-s2.ts';
import { builtinRegistry } from '../../../src/config/builtins.ts';
import { lint } from '../../../src/config/lint/lint.ts';
import { checkReferences } from '../../../src/config/pipelines/references.ts';
import { Suggestions } from '../../../src/config/problem/suggest.ts';
import type { ParsedConfig } from '../../../src/config/schema/schema.ts';
import { readYaml } from '../../../src/config/yaml/yaml-source.ts';
import { load, problemsOf, yaml } from './fixture.ts';

/*
 * Each of these takes less than a second where work grows with the number of entries, and minutes where it grows with
 * its square.
 */

const COUNT = 20_000;
/** Milliseconds of processor time. */
const BOUND = 10_000;

function within<T>(work: () => T): T {
  const start = process.cpuUsage();
  const made = work();
  assertQuick(start);
  return made;
}

function assertQuick(start: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(start);
  assert.ok((user + system) / 1_000 < BOUND, `it took ${Math.round((user + system) / 1_000)} ms`);
}

/** Of texts, which take longer to read. */
const LINES = 5_000;

const many = <T>(make: (index: number) => T, length = COUNT): T[] => Array.from({ length }, (_, index) => make(index));
const byName = <T>(prefix: string, make: (index: number) => T): Record<string, T> =>
  Object.fromEntries(many((index) => [`${prefix}${index}`, make(index)]));

/** A small configuration, as the schema makes it, with some of its entries many times over. */
async function multiplied(
  text: string,
  change: (config: ParsedConfig) => Partial<ParsedConfig>,
): Promise<ParsedConfig> {
  const { config } = await load(text);
  return { ...config, ...change(config) };
}

describe('many entries are checked in a time that grows with their number', () => {
  test('listeners, at one port and at many', async () => {
    const config = await multiplied(yaml(), ({ listeners: { public: listener } }) => ({
      listeners: byName('l', (index) => ({
        ...(listener as ParsedConfig['listeners'][string]),
        port: index < COUNT / 2 ? index + 10_000 : 80,
        host: `host-${index}`,
      })),
    }));
    assert.equal(within(() => lint(config, {})).length, COUNT);
  });

  test('endpoints that are slow, keep history, or serve topics, and pipelines', async () => {
    const text = yaml({
      endpoints:
        'endpoints:\n  rooms: { listener: public, path: /ws, codec: envelope, slow_consumer: { when_full: drop_oldest }, replay: { last: 1 } }\n  topics: { listener: public, path: /t, codec: topics }',
    });
    const config = await multiplied(text, ({ endpoints, pipelines }) => {
      const { rooms = assert.fail(), topics = assert.fail() } = endpoints;
      const { in: into = assert.fail() } = pipelines;
      return {
        endpoints: {
          ...byName('rooms', (index) => ({
            ...rooms,
            path: [`/${index}`],
            slow_consumer: { ...rooms.slow_consumer, when_full: 'block' as const },
          })),
          ...byName('topics', (index) => ({ ...topics, path: [`/t/${index}`] })),
        },
        pipelines: byName('p', (index) => ({
          ...into,
          source: {
            ...into.source,
            config: { ...('config' in into.source ? (into.source.config as object) : {}), endpoint: `rooms${index}` },
          },
        })) as ParsedConfig['pipelines'],
      };
    });
    within(() => lint(config, {}));
  });

  test('endpoints with the options of S2', async () => {
    const text = yaml({
      endpoints:
        'endpoints: { rooms: { listener: public, path: /, codec: topics, s2: { websocket_config: { port: 1 } } } }',
      pipelines: '',
    });
    const config = await multiplied(text, ({ endpoints, listeners }) => ({
      listeners: byName('l', () => listeners.public ?? assert.fail()),
      endpoints: byName('e', (index) => ({ ...(endpoints.rooms ?? assert.fail()), listener: `l${index}` })),
    }));
    const applied = within(() => applyS2(config));
    assert.equal(applied.config.listeners.l7?.port, 1);
  });

  test('names that are there, that are not, and that are nearly there', () => {
    const value = {
      listeners: byName('listener-', () => ({ port: 0 })),
      log: { topics: byName('topic-', () => ({})) },
      endpoints: byName('e', (index) => ({ listener: `${index % 2 === 0 ? 'listener' : 'lisstener'}-${index}` })),
      pipelines: byName('p', (index) => ({
        on_error: { dead_letter: `topic-${index % 2 === 0 ? index : `x${index}`}` },
      })),
    };
    const findings = within(() => checkReferences(value, builtinRegistry()));
    assert.ok(findings.length >= COUNT / 2);
    assert.match(findings[0]?.message ?? '', /did you mean "listener-1"\?$/);
    assert.ok(findings.every(({ message }) => message.length < 1_000));
  });

  test('mistakes of many kinds in one text', () => {
    const listeners = many(
      (index) =>
        [
          `  a${index}: { port: "\${NOPE_${index}}" }`,
          `  b${index}: { port: \${NOPE_${index}:1} }`,
          `  c: { port: 1 }`,
          `  d${index}: *none${index}`,
          `  e${index}: &e${index} { port: 1 }`,
        ].join('\n'),
      LINES,
    );
    const read = within(() => readYaml(`listeners:\n${listeners.join('\n')}\n`, 'x', { HOME: '/' }));
    assert.equal(read.findings.length, 4 * LINES - 1);
  });

  test('all of them in one line', () => {
    const listeners = many((index) => `l${index}: { port: \${NOPE_${index}:1}, host: h${index} }`, LINES).join(', ');
    const read = within(() => readYaml(`listeners: { ${listeners} }`, 'x', {}));
    assert.equal(read.findings.length, LINES);
  });

  test('interpolations that leave brackets open', () => {
    const text = many((index) => `k${index}: { a: \${! /[/ } }`, LINES).join('\n');
    within(() => readYaml(text, 'x', {}));
  });

  test('mistakes that the reader and the schema report', async () => {
    const listeners = many((index) => `  a${index}: { port: "\${NOPE_${index}}" }\n  b${index}: { prot: x }`);
    const start = process.cpuUsage();
    const problems = await problemsOf(`log: { driver: embedded }\nlisteners:\n${listeners.join('\n')}\n`);
    assertQuick(start);
    assert.equal(problems.length, 3 * COUNT);
  });
});

test('suggestions end with their budget, and a word that was asked for costs nothing', () => {
  const names = new Set(['alpha', 'beta', 'gamma']);
  const suggestions = new Suggestions(7);
  assert.equal(suggestions.suggest('alpah', names), 'alpha');
  assert.equal(suggestions.suggest('alpah', names), 'alpha');
  assert.equal(suggestions.suggest('betta', names), 'beta');
  assert.equal(suggestions.suggest('gama', names), undefined);
  assert.equal(suggestions.suggest('alpah', names), 'alpha');
});
