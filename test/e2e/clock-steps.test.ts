import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestClient } from '../helpers/client.ts';
import { type GatewayProcess, startGateway } from '../helpers/gateway-process.ts';
import { RoomClient } from '../helpers/room-client.ts';
import { uniqueTopic } from '../helpers/unique-topic.ts';
import { requireKafka } from '../services/kafka.ts';
import { requireWallClock } from '../services/wall-clock.ts';

const MINUTE = 60_000;
/** Longer than a lease, and than pings go unanswered, in milliseconds. */
const LONG = 3_500;

test('a clock that jumps by hours ends no connection, lease or request, and goes into timestamps only', async (t) => {
  const clock = requireWallClock(t);
  const kafka = await requireKafka(t);
  if (clock === undefined || kafka === undefined) return;
  const env = { KAFKA_BROKERS: kafka.brokers, TOPIC: uniqueTopic('clock') };
  const config = 'test/fixtures/clock.yaml';
  const jumping = await startGateway(t, { config, env: { ...env, ...clock.env } });
  const steady = await startGateway(t, { config, env });
  await Promise.all([jumping.ready(), steady.ready()]);
  const here = await RoomClient.join(`ws://127.0.0.1:${jumping.port}/ws`);
  const there = await RoomClient.join(`ws://127.0.0.1:${steady.port}/ws`);
  const sender = await TestClient.open(`ws://127.0.0.1:${jumping.port}/in`);
  await Promise.all([here, there].map((one) => one.knows([here.id, there.id])));
  const quiet = [jumping, steady].map((gateway) => troubles(gateway).length);

  // Kafka takes timestamps that are an hour ahead of its clock at most, and any that are behind it.
  for (const [step, minutes] of [50, -300].entries()) {
    clock.set(minutes);
    const sentAt = Date.now() + minutes * MINUTE;
    sender.send(`step ${step}`, { id: step });
    await sender.until(() => sender.of('ACK').length === step + 1);
    assert.ok(Math.abs(Date.parse(sender.of('ACK')[step]?.timestamp ?? '') - sentAt) < 20 * MINUTE);
    await sleep(LONG);
    here.send({ type: 'broadcast-all', message: `step ${step}` });
    there.send({ type: 'broadcast-all', message: `step ${step}` });
    for (const one of [here, there]) await one.until(() => one.of('kafka').length === 2 * (step + 1));
  }
  for (const one of [here, there]) {
    assert.deepEqual(one.room, [here.id, there.id].sort());
    assert.deepEqual([one.of('client-disconnected').length, one.closed], [0, undefined]);
  }
  assert.equal(sender.closed, undefined);
  assert.deepEqual(
    [jumping, steady].map((gateway) => troubles(gateway).length),
    quiet,
    troubles(jumping).join('\n'),
  );
  const { body } = await jumping.get('/metrics');
  assert.doesNotMatch(body, /^tidegate_lane_retries_total\{.*\} [1-9]/m);
  assert.doesNotMatch(body, /_seconds_sum\{.*\} -/, 'no time is negative');
  assert.doesNotMatch(body, /^tidegate_connections_closed_total\{.*\} [1-9]/m);

  clock.set(180);
  sender.send('too far ahead', { id: 'ahead' });
  await sender.until(() => sender.of('ERROR').length === 1);
  const { content = '', code, retryable } = sender.of('ERROR')[0] ?? {};
  assert.deepEqual([code, retryable], ['TG_CLOCK_WRONG', true]);
  assert.match(content, /the clock of this gateway says 20/);
  clock.set(0);
  sender.send('right again', { id: 'right' });
  await sender.until(() => sender.of('ACK').length === 3);
  assert.deepEqual(await Promise.all([jumping.stop(), steady.stop()]), [0, 0]);
});

function troubles(gateway: GatewayProcess): string[] {
  return gateway
    .output()
    .split('\n')
    .filter((line) => /"level":(40|50)|"level":"(warn|error)"/.test(line));
}
