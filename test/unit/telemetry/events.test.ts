import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TidegateError } from '../../../src/core/errors.ts';
import { EventHub } from '../../../src/telemetry/events.ts';
import { PartLogger } from '../../../src/telemetry/part-logger.ts';
import { keptLogger } from '../actors/rig.ts';

function setUp() {
  const { logger, errors, lines } = keptLogger();
  const events = new EventHub(logger);
  return { events, errors, lines, logger: new PartLogger(logger, events) };
}

test('a listener is called until it is taken off, one for once only once', () => {
  const { events } = setUp();
  const heard: string[] = [];
  const always = () => heard.push('always');
  events.on('producer-ready', always);
  events.once('producer-ready', () => heard.push('once'));
  events.emit('producer-ready', { driver: 'embedded' });
  events.emit('producer-ready', { driver: 'embedded' });
  events.off('producer-ready', always);
  assert.equal(events.has('producer-ready'), false);
  events.emit('producer-ready', { driver: 'embedded' });
  assert.deepEqual(heard, ['always', 'once', 'always']);
});

test('a listener that throws is logged, and the others are called', () => {
  const { events, errors } = setUp();
  const heard: object[] = [];
  events.once('wss-ready', () => {
    throw new Error('a bug of the program');
  });
  events.on('wss-ready', (ports) => heard.push(ports));
  events.emit('wss-ready', { public: 80 });
  assert.deepEqual(heard, [{ public: 80 }]);
  assert.deepEqual(errors(), ['a listener of the event wss-ready failed']);
});

test('a listener whose promise rejects is logged', async () => {
  const { events, lines } = setUp();
  const bug = new Error('a bug of the program');
  events.on('wss-ready', async () => {
    throw bug;
  });
  events.emit('wss-ready', {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(lines, [
    { level: 'error', facts: { error: bug, event: 'wss-ready' }, text: 'a listener of the event wss-ready failed' },
  ]);
});

test('an error without a listener is logged and ends nothing', () => {
  const { logger, errors } = setUp();
  logger.error({}, 'something broke');
  assert.deepEqual(errors(), ['something broke']);
});

test('an error that a part reports is a line and an event, with its facts, code and cause', () => {
  const { events, logger } = setUp();
  const heard: { message: string; code: string | undefined; facts: object; cause: unknown }[] = [];
  events.on('error', ({ message, code, facts, cause }) => heard.push({ message, code, facts, cause }));
  const thrown = new TidegateError('TG_CODEC_FAILED', 'no such field');
  const child = logger.child({ scope: 'endpoint', endpoint: 'chat' });
  child.error({ error: thrown, client_id: 'c-1' }, 'the codec failed');
  child.error({ code: 'TG_FLOW_FAILED' }, 'the pipeline broke');
  child.error({}, 'it just broke');
  for (const level of ['debug', 'info', 'warn'] as const) child[level]({}, 'no error');
  const facts = { scope: 'endpoint', endpoint: 'chat' };
  assert.deepEqual(heard, [
    { message: 'the codec failed', code: 'TG_CODEC_FAILED', facts: { ...facts, client_id: 'c-1' }, cause: thrown },
    { message: 'the pipeline broke', code: 'TG_FLOW_FAILED', facts, cause: undefined },
    { message: 'it just broke', code: undefined, facts, cause: undefined },
  ]);
});

test('a listener of errors that throws makes no further error event', () => {
  const { events, logger, errors } = setUp();
  let calls = 0;
  events.on('error', () => {
    calls += 1;
    throw new Error('again');
  });
  logger.error({}, 'something broke');
  assert.equal(calls, 1);
  assert.deepEqual(errors(), ['something broke', 'a listener of the event error failed']);
});
