import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LaneObserver } from '../../../../src/core/log.ts';
import { Message } from '../../../../src/core/message.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import type { SendFault } from '../../../../src/testing/simulation/faults.ts';
import { MemoryLog } from '../../../../src/testing/simulation/memory-log.ts';
import { NO_LOGGER } from '../../../../src/testing/simulation/no-logger.ts';
import { TestClock } from '../../../../src/testing/simulation/test-clock.ts';
import { turn } from '../../actors/rig.ts';

const messages = (...texts: string[]) => texts.map((text) => new Message(Buffer.from(text)));

/** A log with a topic `t`, a lane to it, and what was stored and reported. */
async function rig() {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  await log.open();
  await log.admin.create({ name: 't' });
  const stored: string[] = [];
  log.watch((_, seen) => stored.push(...seen.map(({ text }) => text)));
  const reports: string[] = [];
  const observer: LaneObserver = {
    retrying: ({ code }) => reports.push(`retrying ${code}`),
    recovered: () => reports.push('recovered'),
    duplicatesPossible: ({ code }) => reports.push(`duplicates ${code}`),
  };
  const lane = log.lane('t', observer);
  const send = (fault: SendFault | undefined, ...texts: string[]) => {
    if (fault !== undefined) log.faults.next('t', fault);
    const state: { ended?: number; refused?: string[] } = {};
    const sent = messages(...texts);
    void lane.send(sent).then((refusals) => {
      state.ended = clock.elapsed();
      state.refused = refusals.map(({ failure }) => failure.code);
    });
    return { state, sent };
  };
  return { clock, log, lane, stored, reports, send };
}

test('a send that the log refuses ends at once, and nothing is stored', async () => {
  const { stored, reports, send, log } = await rig();
  const { state } = send({ type: 'refuse' }, 'a', 'b');
  await turn();
  assert.deepEqual(
    [state, stored, reports],
    [{ ended: 0, refused: ['TG_RECORD_REFUSED', 'TG_RECORD_REFUSED'] }, [], []],
  );
  const next = send(undefined, 'c');
  await turn();
  assert.deepEqual([next.state.refused, stored, log.faults.pending], [[], ['c'], 0]);
});

for (const [type, times] of [
  ['lost', 1],
  ['unanswered', 1],
  ['duplicate', 2],
] as const)
  test(`a send that is ${type} is repeated half a second later, and its record is stored ${times === 1 ? 'once' : 'twice'}`, async () => {
    const { clock, stored, reports, send } = await rig();
    const { state, sent } = send({ type }, 'a');
    await turn();
    assert.deepEqual([state, stored], [{}, type === 'lost' ? [] : ['a']]);
    clock.advance(499);
    await turn();
    assert.deepEqual(state, {});
    clock.advance(1);
    await turn();
    assert.deepEqual([state, stored.length, sent[0]?.offset], [{ ended: 500, refused: [] }, times, times - 1]);
    assert.deepEqual(reports, [
      type === 'duplicate' ? 'duplicates TG_LOG_FENCED' : 'retrying TG_LOG_UNAVAILABLE',
      'recovered',
    ]);
  });

test('a late answer comes when it is due, and the record is stored before', async () => {
  const { clock, stored, reports, send } = await rig();
  const { state } = send({ type: 'late', after: 3_000 }, 'a');
  await turn();
  clock.advance(2_999);
  await turn();
  assert.deepEqual([state, stored], [{}, ['a']]);
  clock.advance(1);
  await turn();
  assert.deepEqual([state, reports], [{ ended: 3_000, refused: [] }, []]);
});

test('while the link is down nothing is stored, read or asked; all goes on when it is up', async () => {
  const { clock, log, stored, send } = await rig();
  const seen: string[] = [];
  const reader = log.reader({ topics: ['t'], from: 'earliest' });
  reader.batches$.subscribe(({ messages }) => seen.push(...messages.map(({ text }) => text)));
  await reader.live;
  const states: string[] = [];
  log.link$.subscribe(({ state }) => states.push(state));
  await log.append('t', messages('before'));
  log.faults.linkDown();
  const { state } = send(undefined, 'a');
  clock.advance(5_000);
  await turn();
  await turn();
  assert.deepEqual([seen, stored, state], [[], [], {}]);
  await assert.rejects(log.admin.topics(), { code: 'TG_LOG_UNAVAILABLE' });
  await assert.rejects(log.append('t', messages('x')), { code: 'TG_LOG_UNAVAILABLE' });
  log.faults.clear();
  clock.advance(500);
  await turn();
  await turn();
  assert.deepEqual([seen, stored, state.refused], [['before', 'a'], ['a'], []]);
  assert.deepEqual([states[0], states.at(-1), states.includes('down')], ['up', 'up', true]);
  await reader.close();
});

test('what a test stores itself meets no faults, and what the topic does not take is refused', async () => {
  const { log, stored } = await rig();
  log.faults.next('*', { type: 'refuse' });
  const [message] = messages('a');
  await log.append('t', message === undefined ? [] : [message]);
  assert.deepEqual([message?.topic, message?.partition, message?.offset, log.faults.pending], ['t', 0, 0, 1]);
  assert.deepEqual(stored, [], 'watchers hear of what gateways store');
  await assert.rejects(log.append('missing', messages('a')), { code: 'TG_TOPIC_MISSING' });
  await assert.rejects(log.append('t', [new Message(Buffer.alloc(2_000_000))]), { code: 'TG_RECORD_TOO_LARGE' });
});

test('a connection that is cut commits nothing, answers nothing, and leaves the group to the next one', async () => {
  const { clock, log } = await rig();
  await log.append('t', messages('a', 'b'));
  const parts = { logger: NO_LOGGER, stats: createStats(), clock };
  const read = async () => {
    const connection = log.connect(parts);
    await connection.open();
    const seen: string[] = [];
    const member = connection.group({ group: 'g', topics: ['t'], from: 'earliest', commitInterval: 600_000 });
    member.batches$.subscribe(({ messages }) => {
      for (const message of messages) {
        seen.push(message.text);
        message.ack();
      }
    });
    for (let turns = 0; turns < 4; turns += 1) await turn();
    return { connection, member, seen };
  };
  const first = await read();
  const lane = first.connection.lane('t', { retrying: () => {}, recovered: () => {}, duplicatesPossible: () => {} });
  first.connection.cut();
  let isAnswered = false;
  const answered = () => {
    isAnswered = true;
  };
  void lane.send(messages('never')).then(answered, answered);
  assert.deepEqual(await log.admin.committed('g', 't'), new Map([[0, 0]]));
  const second = await read();
  assert.deepEqual([first.seen, second.seen, isAnswered], [['a', 'b'], ['a', 'b'], false]);
  await second.member.leave();
  const third = await read();
  assert.deepEqual([third.seen, await log.admin.committed('g', 't')], [[], new Map([[0, 2]])]);
});
