import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mark, sinceMark, systemClock } from '../../../src/core/clock.ts';
import { LineLimit } from '../../../src/telemetry/line-limit.ts';
import { RateLimit } from '../../../src/topics/rate-limit.ts';
import { HandClock } from './hand-clock.ts';

const SRC = fileURLToPath(
  new URL(import.meta.url.includes('/dist/') ? '../../../../src/' : '../../../src/', import.meta.url),
);
const HOUR = 3_600_000;

/** What the machine's clock may be asked for; all that lasts goes by `Clock.elapsed`, which cannot be set. */
const FOR_TIMESTAMPS: Readonly<Record<string, string>> = {
  'actors/delivery-time.ts': 'the age of records',
  'actors/endpoint/broadcast.ts': 'timestamps of frames, and the age of what is replayed',
  'actors/endpoint/channel-peer.ts': 'timestamps of frames',
  'actors/endpoint/conversation.ts': 'timestamps of frames',
  'actors/endpoint/entry.ts': 'timestamps of frames',
  'actors/endpoint/publisher.ts': 'timestamps of messages and answers',
  'actors/endpoint/room-guest.ts': 'timestamps of frames',
  'actors/endpoint/session.ts': 'when a token expires',
  'actors/endpoint/topic-peer.ts': 'timestamps of answers',
  'admin/health.ts': 'the timestamp of an answer',
  'auth/jwt.ts': 'the times in tokens',
  'channels/recovery/recovery-pass.ts': 'the age of records',
  'channels/subscribing/subscribing.ts': 'the age of records',
  'config/lint/lint-tls.ts': 'what certificates are compared with',
  'connect/cluster/source-offsets.ts': 'when something was heard, which outlasts the process',
  'connect/transforms/date-parsing.ts': 'which century a year of two digits is in',
  'core/certificate.ts': 'what certificates are compared with',
  'core/clock.ts': 'the clock itself',
  'feeds/source/channel.ts': 'times of gaps, which outlast the process',
  'feeds/connection/connection.ts': 'times in what is signed',
  'feeds/connection/dialer.ts': 'times of gaps, which outlast the process',
  'feeds/gaps/outage.ts': 'times of gaps, which outlast the process',
  'feeds/shards/shard-places.ts': 'when something was saved, which outlasts the process',
  'gateway/connect-service.ts': 'the time of a change, and of a call that is signed',
  'gateway/replay.ts': 'the age of what is replayed',
  'gateway/saved-state.ts': 'when a value of a component was saved',
  'pipelines/operators/collect/collect.ts': 'a record of the future counts as one of now',
  'pipelines/sources/generate.ts': 'timestamps of messages',
  'pipelines/state/stateful-stage.ts': 'what an idle partition follows, as the times of its records do',
  'presence/incarnation.ts': 'the age of records of other gateways',
  'rooms/room.ts': 'timestamps of frames',
  'testing/cases/run-endpoint.ts': 'timestamps of records that a test appends',
  'testing/contract/admin.ts': 'timestamps of records',
  'testing/contract/lane.ts': 'timestamps of records',
  'testing/contract/reader.ts': 'timestamps of records',
  'testing/laws/processor-laws.ts': 'timestamps of messages',
  'testing/laws/processor-run.ts': 'timestamps of messages',
  'testing/simulation/feeding.ts': 'timestamps of messages that a test feeds',
  'testing/simulation/memory-log.ts': 'timestamps and the age of records',
  'testing/simulation/scoped-clock.ts': 'a clock that asks another',

  'transports/kafka/sasl/token-source.ts': 'the end of a token',
  'transports/tls/expiry-alarm.ts': 'what certificates are compared with',
  'gateway/reload/reloads.ts': 'when a reload began',
  'telemetry/ecs.ts': 'timestamps of log lines',
  'telemetry/process-metrics.ts': 'when the process started',
  'telemetry/stats.ts': 'timestamps of exemplars',
  'transports/embedded/group/group-transactions.ts': 'timestamps of records',
  'transports/embedded/lane.ts': 'timestamps of records',
  'transports/embedded/records/maintenance.ts': 'the age of records',
  'transports/embedded/file/owner-lock.ts': 'the age of a file',
  'transports/kafka/produce/batch-sender.ts': 'what a refused timestamp is compared with',
  'transports/kafka/produce/lane.ts': 'timestamps of records',
  'transports/kafka/transactions/transaction-sender.ts': 'timestamps of records',
};

test('only timestamps follow the clock of the machine', () => {
  const users = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .filter((name) => /\b(?:Date|clock)\.now\b|\bnew Date\(\)/.test(readFileSync(join(SRC, name), 'utf8')))
    .sort();
  assert.deepEqual(users, Object.keys(FOR_TIMESTAMPS).sort());
});

test('time goes on evenly, whatever the clock of the machine says', (t) => {
  const begun = systemClock.elapsed();
  t.mock.method(Date, 'now', () => 0);
  assert.equal(systemClock.now(), 0);
  assert.ok(systemClock.elapsed() >= begun);
});

test('the time since a mark is the larger one of the two clocks', () => {
  const clock = new HandClock();
  const begin = mark(clock);
  clock.advance(1_000);
  assert.equal(sinceMark(clock, begin), 1_000);
  clock.stepped = -HOUR;
  assert.equal(sinceMark(clock, begin), 1_000, 'set back');
  clock.stepped = HOUR;
  assert.equal(sinceMark(clock, begin), HOUR + 1_000, 'suspended, or set forward');
});

test('a clock that is set back prolongs neither the limits of an address nor the silence about a subject', () => {
  const clock = new HandClock();
  const limit = new RateLimit(1, clock);
  const lines = new LineLimit(clock);
  limit.take('a', 1);
  assert.equal(lines.count('x'), 1);
  clock.stepped = -HOUR;
  clock.advance(59_999);
  assert.deepEqual([limit.has('a', 1), lines.count('x')], [false, 0]);
  clock.advance(1);
  assert.deepEqual([limit.has('a', 1), lines.count('x')], [true, 2]);
});
