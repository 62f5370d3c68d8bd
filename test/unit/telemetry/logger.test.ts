// Own process: it sets the context manager that all traces of a process share.

import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { type Context, type ContextManager, context, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { TidegateError } from '../../../src/core/errors.ts';
import { createLogger, createLoggerFromEnvironment, type LoggerOptions } from '../../../src/telemetry/logger.ts';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN_ID = '00f067aa0ba902b7';

function setUp(options: Partial<LoggerOptions> = {}, isTTY = false) {
  let text = '';
  const destination = Object.assign(
    new Writable({
      write(chunk, _encoding, done) {
        text += String(chunk);
        done();
      },
    }),
    { isTTY },
  );
  const logger = createLogger({ level: 'info', ...options, destination });
  const lines = () => text.split('\n').filter((line) => line !== '');
  return { logger, lines, facts: () => lines().map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test('without a terminal lines are JSON with time, level, message and facts', () => {
  const { logger, facts } = setUp();
  logger.child({ scope: 'lane', topic: 't' }).info({ records: 3 }, 'recovered');
  const [line] = facts();
  assert.match(String(line?.time), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  delete line?.time;
  assert.deepEqual(line, { level: 'info', scope: 'lane', topic: 't', records: 3, msg: 'recovered' });
});

test('a fact that a child, or a line, sets again is in the line once', () => {
  for (const [format, scope, topic] of [
    ['json', 'scope', 'topic'],
    ['ecs', 'log.logger', 'tidegate.topic'],
  ] as const) {
    const { logger, lines, facts } = setUp({ format });
    const child = logger.child({ scope: 'telemetry', topic: 'a' }).child({ scope: 'tracing' });
    child.warn({}, 'as the child says');
    child.warn({ topic: 'b' }, 'as the line says');
    for (const line of lines())
      assert.deepEqual(
        [scope, topic].map((name) => line.split(`"${name}":`).length),
        [2, 2],
        line,
      );
    assert.deepEqual(
      facts().map((line) => [line[scope], line[topic]]),
      [
        ['tracing', 'a'],
        ['tracing', 'b'],
      ],
    );
  }
});

test('a terminal gets one short line, at once', () => {
  const { logger, lines } = setUp({}, true);
  logger.child({ scope: 'lane' }).warn({ topic: 't' }, 'the log is away');
  assert.equal(lines().length, 1);
  assert.match(lines()[0] ?? '', /^\[?.{0,5}\d\d:\d\d:\d\d\.\d{3}.*WARN.*lane: the log is away.*"topic":"t"/);
});

test('text of a client is one line without control codes on a terminal, in message, facts and errors', () => {
  const { logger, lines } = setUp({}, true);
  const text = 'hi\n[12:00:00.000] \u001b[32mINFO\u001b[39m: forged\r\u2028\u009b2J\u007f\u0007';
  const safe = 'hi\\n[12:00:00.000] \\u001b[32mINFO\\u001b[39m: forged\\r\\u2028\\u009b2J\\u007f\\u0007';
  logger.child({ scope: 'log' }).info({ key: text, error: new TidegateError('TG_MESSAGE_INVALID', text) }, text);
  const whole = lines().join('\n');
  assert.ok(lines()[0]?.includes(`log: ${safe}`), whole);
  assert.ok(lines()[0]?.includes(`"key":"${safe}"`), whole);
  assert.ok(whole.includes(`"message": "${safe}"`) || whole.includes(`"message":"${safe}"`), whole);
  for (const raw of ['forged\r', 'INFO\u001b[39m: forged', '\u009b', '\u007f', '\u2028'])
    assert.ok(!whole.includes(raw), whole);
  logger.warn({ error: new TypeError(text) }, 'thrown');
  logger.warn({ error: new TypeError('hi\n[12:00:00.000] INFO: forged') }, 'thrown');
  assert.equal(lines().filter((line) => /forged/.test(line) && !line.includes('hi')).length, 0);
});

test('the level holds lines back; DEBUG lets debug lines of its scopes through, and no others', () => {
  const { logger, facts } = setUp({ level: 'warn', debug: 'tidegate:lane,other:kafka' });
  const lane = logger.child({ scope: 'lane' });
  logger.info({}, 'no');
  logger.child({ scope: 'kafka' }).debug({}, 'no');
  lane.debug({}, 'yes');
  lane.child({ topic: 't' }).debug({}, 'yes, and its children');
  lane.child({ scope: 'kafka' }).debug({}, 'no');
  logger.warn({}, 'yes, as always');
  assert.deepEqual(
    facts().map(({ msg }) => msg),
    ['yes', 'yes, and its children', 'yes, as always'],
  );
});

test('DEBUG takes a star for anything and a minus to take out again', () => {
  const { logger, facts } = setUp({ debug: 'tidegate:* -tidegate:kafka*' });
  for (const scope of ['lane', 'kafka', 'kafka-reader']) logger.child({ scope }).debug({}, scope);
  assert.deepEqual(
    facts().map(({ msg }) => msg),
    ['lane'],
  );
});

test('an unknown level is refused with the list of those that exist', () => {
  assert.throws(
    () => createLoggerFromEnvironment({ LOG_LEVEL: 'loud' }),
    (error: unknown) =>
      error instanceof TidegateError && error.code === 'TG_CONFIG_INVALID' && /debug, info/.test(error.message),
  );
});

test('secrets are redacted wherever they are', () => {
  const { logger, lines } = setUp();
  const secret = 'hunter2';
  logger
    .child({ authorization: secret })
    .info({ password: secret, sasl: { password: secret }, request: { headers: { authorization: secret } } }, 'a');
  logger.info({ token: secret, query: { token: secret }, headers: { cookie: secret } }, 'b');
  assert.equal(lines().length, 2);
  for (const line of lines()) {
    assert.ok(!line.includes(secret), line);
    assert.match(line, /\[redacted\]/);
  }
});

test('a line that is given a trace carries its ids', () => {
  const { logger, facts } = setUp();
  logger.warn({ trace: { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` }, topic: 't' }, 'refused');
  const { trace_id, span_id, trace: rest, topic } = facts()[0] ?? {};
  assert.deepEqual(
    { trace_id, span_id, rest, topic },
    { trace_id: TRACE_ID, span_id: SPAN_ID, rest: undefined, topic: 't' },
  );
});

test('a line that is logged inside a span carries its ids', (t) => {
  context.setGlobalContextManager(synchronousContexts());
  t.after(() => context.disable());
  const { logger, facts } = setUp();
  const active = trace.setSpanContext(context.active(), { traceId: TRACE_ID, spanId: SPAN_ID, traceFlags: 1 });
  context.with(active, () => logger.info({}, 'inside'));
  logger.info({}, 'outside');
  assert.deepEqual(
    facts().map(({ trace_id, span_id }) => [trace_id, span_id]),
    [
      [TRACE_ID, SPAN_ID],
      [undefined, undefined],
    ],
  );
});

test('our own errors are logged with code, message and cause, others with their stack', () => {
  const { logger, facts } = setUp();
  logger.error({ error: new TidegateError('TG_LOG_UNAVAILABLE', 'away', new Error('ECONNREFUSED')) }, 'a');
  logger.error({ error: new Error('oops') }, 'b');
  const [own, foreign] = facts();
  assert.deepEqual(own?.error, { code: 'TG_LOG_UNAVAILABLE', message: 'away', cause: 'ECONNREFUSED' });
  assert.match(JSON.stringify(foreign?.error), /logger\.test/);
});

/** Contexts of calls that do not wait for anything. */
function synchronousContexts(): ContextManager {
  let current: Context = ROOT_CONTEXT;
  const manager: ContextManager = {
    active: () => current,
    with(inner, call, self, ...args) {
      const outer = current;
      current = inner;
      try {
        return call.call(self as ThisParameterType<typeof call>, ...args);
      } finally {
        current = outer;
      }
    },
    bind: (_context, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

test('ecs writes the names of the Elastic Common Schema, and what it has no field for under tidegate', () => {
  const { logger, facts } = setUp({ format: 'ecs' });
  const trace = { traceparent: `00-${TRACE_ID}-${SPAN_ID}-01` };
  logger.child({ scope: 'lane', topic: 't' }).warn({ records: 3, trace }, 'recovered');
  const [line] = facts();
  assert.match(String(line?.['@timestamp']), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  delete line?.['@timestamp'];
  assert.deepEqual(line, {
    'log.level': 'warn',
    'ecs.version': '8.17.0',
    'service.name': 'tidegate',
    'log.logger': 'lane',
    'tidegate.topic': 't',
    'tidegate.records': 3,
    'trace.id': TRACE_ID,
    'span.id': SPAN_ID,
    message: 'recovered',
  });
});

test('ecs: errors have code, message, type and stack, and secrets are redacted', () => {
  const { logger, facts, lines } = setUp({ format: 'ecs' });
  logger.error({ error: new TidegateError('TG_LOG_UNAVAILABLE', 'away', new Error('ECONNREFUSED')) }, 'a');
  logger.error({ error: new TypeError('oops') }, 'b');
  logger.child({ token: 'hunter2' }).info({ password: 'hunter2', sasl: { password: 'hunter2' } }, 'c');
  const [own, foreign, secret] = facts();
  assert.equal(own?.['error.code'], 'TG_LOG_UNAVAILABLE');
  assert.equal(own?.['error.message'], 'away: ECONNREFUSED');
  assert.equal(foreign?.['error.type'], 'TypeError');
  assert.equal(foreign?.['error.message'], 'oops');
  assert.match(String(foreign?.['error.stack_trace']), /logger\.test/);
  assert.equal(secret?.['tidegate.password'], '[redacted]');
  assert.ok(!lines().join('').includes('hunter2'));
});

test('a format is written whatever the destination is; an unknown one is refused with the list', () => {
  const toTerminal = setUp({ format: 'json' }, true);
  toTerminal.logger.info({}, 'a');
  assert.equal(toTerminal.facts()[0]?.msg, 'a');
  const toFile = setUp({ format: 'pretty' });
  toFile.logger.child({ scope: 'lane' }).info({}, 'a');
  assert.match(toFile.lines()[0] ?? '', /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO: lane: a/);
  assert.throws(
    () => createLoggerFromEnvironment({ LOG_FORMAT: 'xml' }),
    (error: unknown) =>
      error instanceof TidegateError && error.code === 'TG_CONFIG_INVALID' && /json, ecs, pretty/.test(error.message),
  );
});
