import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Topic } from '../../../src/actors/topic/topic.ts';
import { Batch } from '../../../src/core/batch.ts';
import type { Log } from '../../../src/core/log.ts';
import { Message } from '../../../src/core/message.ts';
import { createStats } from '../../../src/telemetry/stats.ts';
import { NO_TRACING } from '../../../src/telemetry/tracing.ts';
import { keptLogger } from '../actors/rig.ts';
import { contentOf, Gateway, gateways, roomLog, TOPICS } from './embedded-room.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);
const names = (all: readonly Gateway[]) => all.map(({ presence }) => presence.names);

test('each number is given once over all gateways, and all have the same members in the same order', async (t) => {
  const log = await roomLog(t);
  const all = await gateways(t, log, 3);
  const asked = all.flatMap((gateway) => numbers(50).map(() => ({ gateway, newcomer: gateway.numbered() })));
  const given = await Promise.all(asked.map(({ gateway, newcomer }) => gateway.admitted(newcomer)));
  assert.deepEqual(
    given.sort(),
    numbers(150)
      .map((at) => `client-${at + 1}`)
      .sort(),
  );
  for (const gateway of all) await gateway.until(() => gateway.seen.length === 150);
  assert.deepEqual(all[1]?.presence.names, all[0].presence.names);
  assert.deepEqual(all[2]?.presence.names, all[0].presence.names);
  for (const { seen, presence } of all) assert.deepEqual(seen, presence.names);
});

test('numbers continue when all members have left', async (t) => {
  const log = await roomLog(t);
  const [a, b] = await gateways(t, log, 2);
  const first = a.numbered();
  assert.equal(await a.admitted(first), 'client-1');
  a.leave(first);
  assert.equal(await (b as Gateway).admitted((b as Gateway).numbered('guest ')), 'guest 2');
});

test('of two claims for a name at the same time exactly one wins, 200 times', async (t) => {
  const log = await roomLog(t);
  const [a, b, watcher] = (await gateways(t, log, 3)) as [Gateway, Gateway, Gateway];
  const wins = [0, 0];
  for (const round of numbers(200)) {
    const racers = round % 2 === 0 ? [a, b] : [b, a];
    const asked = racers.map((gateway) => ({ gateway, newcomer: gateway.named('ann', { round: String(round) }) }));
    const outcome = ({ gateway, newcomer }: (typeof asked)[number]) =>
      gateway.guests.has(newcomer) ? 'in' : gateway.taken.includes(newcomer) ? 'taken' : undefined;
    await Promise.all(asked.map((each) => each.gateway.until(() => outcome(each) !== undefined)));
    assert.deepEqual(asked.map(outcome).sort(), ['in', 'taken']);
    const winner = asked.find((each) => outcome(each) === 'in') ?? assert.fail();
    wins[winner.gateway === a ? 0 : 1] = (wins[winner.gateway === a ? 0 : 1] ?? 0) + 1;
    winner.gateway.leave(winner.newcomer);
    const claims = (round + 1) * 2;
    await watcher.until(() => watcher.changes.length === claims);
    await Promise.all(racers.map((gateway) => gateway.until(() => gateway.presence.names.length === 0)));
  }
  // A twin that was refused causes no line at all.
  const announced = watcher.changes.map((change) =>
    change.type === 'taken' ? 'taken' : `${change.type} ${change.member.details.round}`,
  );
  assert.deepEqual(
    announced,
    numbers(200).flatMap((round) => [`joined ${round}`, `left ${round}`]),
  );
  assert.equal((wins[0] ?? 0) + (wins[1] ?? 0), 200);
});

test('all gateways get a member with its details, and its own gateway with its newcomer', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  const newcomer = a.named('ann', { age: '42' });
  const member = { name: 'ann', details: { age: '42' } };
  await a.admitted(newcomer);
  await b.until(() => b.changes.length === 1);
  assert.deepEqual([a.changes, b.changes], [[{ type: 'joined', member, newcomer }], [{ type: 'joined', member }]]);
  a.leave(newcomer);
  await b.until(() => b.changes.length === 2);
  await a.until(() => a.changes.length === 2);
  assert.deepEqual(
    [a.changes[1], b.changes[1]],
    [
      { type: 'left', member },
      { type: 'left', member },
    ],
  );
});

test('a number that another client has chosen as its name is skipped', async (t) => {
  const log = await roomLog(t);
  const [a] = await gateways(t, log, 1);
  await a.admitted(a.named('client-1'));
  assert.equal(await a.admitted(a.numbered()), 'client-2');
  assert.deepEqual(a.taken, []);
});

test('a connection that leaves before it joins is no member, and its claim gets a tombstone', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  const early = [a.named('ann'), a.numbered(), a.named('ann')];
  for (const newcomer of early) a.leave(newcomer);
  await a.admitted(a.named('bob'));
  await b.until(() => b.presence.names.includes('bob'));
  assert.deepEqual(names([a, b]), [['bob'], ['bob']]);
  for (const { changes, taken } of [a, b]) {
    assert.deepEqual(taken, []);
    assert.deepEqual(
      changes.map((change) => change.type !== 'taken' && `${change.type} ${change.member.name}`),
      ['joined ann', 'left ann', 'joined bob'],
    );
  }
  assert.equal(a.changes.filter((change) => change.type === 'joined' && change.newcomer !== undefined).length, 1);
});

test('newcomers wait until the members are known, and those that leave meanwhile write nothing', async (t) => {
  const log = await roomLog(t);
  const gateway = new Gateway(log);
  t.after(() => gateway.presence.close());
  assert.match(gateway.presence.notReadyReason ?? '', /_tidegate\.room\.presence/);
  assert.deepEqual(gateway.presence.direct('a', 'b', 'hello'), 'unavailable');
  assert.deepEqual(gateway.presence.kick('a', undefined), 'unavailable');
  const gone = gateway.named('gone');
  const ann = gateway.named('ann');
  gateway.leave(gone);
  await gateway.ready();
  await gateway.admitted(ann);
  assert.deepEqual(gateway.presence.names, ['ann']);
  const keys = (await contentOf(log, TOPICS.presence)).map(([key]) => key.split('/')[1]);
  assert.deepEqual(keys, ['lease', 'member']);
});

test('a gateway that starts gets all members at once, in the order of joining', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  for (const name of ['eve', 'ann', 'bob', 'joe'])
    await (name < 'c' ? a : b).admitted((name < 'c' ? a : b).named(name));
  const ann = [...a.guests].find(([, name]) => name === 'ann')?.[0] ?? assert.fail();
  a.leave(ann);
  await a.until(() => a.presence.names.length === 3);
  await log.maintain();
  const calls: string[][] = [];
  const late = new Gateway(log, {
    observer: {
      changed: (changes) => calls.push(changes.map((change) => (change.type === 'joined' ? change.member.name : '?'))),
      commanded: () => {},
      fenced: () => {},
    },
  });
  t.after(() => late.presence.close());
  await late.ready();
  assert.deepEqual(calls, [['eve', 'bob', 'joe']]);
});

test('members of a killed gateway leave once its lease is over, and their names are free', async (t) => {
  const log = await roomLog(t);
  const [a, b, c] = (await gateways(t, log, 3)) as [Gateway, Gateway, Gateway];
  await a.admitted(a.named('ann'));
  await b.admitted(b.named('bob'));
  await c.until(() => c.presence.names.length === 2);
  await a.kill();
  await Promise.all([b, c].map((gateway) => gateway.until(() => gateway.presence.names.length === 1)));
  assert.deepEqual(names([b, c]), [['bob'], ['bob']]);
  assert.equal(await c.admitted(c.named('ann')), 'ann');
  assert.deepEqual([b.timesFenced, c.timesFenced], [0, 0]);
  const declared = [b, c].map((gateway) => gateway.metric('tidegate_presence_declared_dead_total'));
  assert.ok(declared.some((count) => count > 0));
});

test('all records of a dead gateway get tombstones, except its death', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  await a.admitted(a.named('ann'));
  await b.until(() => b.presence.names.length === 1);
  await a.kill();
  await b.until(() => b.presence.names.length === 0);
  await b.admitted(b.named('bob'));
  const last = new Map(await contentOf(log, TOPICS.presence));
  const left = [...last].filter(([, value]) => value !== null).map(([key]) => key.split('/')[1]);
  assert.deepEqual(left.sort(), ['dead', 'lease', 'member']);
});

test('a gateway that wakes after its death is fenced, starts again, and its clients may return', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  await a.admitted(a.named('ann'));
  await b.admitted(b.named('bob'));
  await a.until(() => a.presence.names.length === 2);
  a.freeze();
  await b.until(() => b.presence.names.length === 1);
  await b.admitted(b.named('ann', { of: 'b' }));
  assert.deepEqual([a.timesFenced, a.presence.names], [0, ['ann', 'bob']]);
  a.thaw();
  await a.until(() => a.timesFenced === 1);
  const back = a.named('ann');
  const eve = a.named('eve');
  await a.admitted(eve);
  assert.deepEqual(a.taken, [back]);
  await b.until(() => b.presence.names.includes('eve'));
  assert.deepEqual(
    names([a, b]).map((each) => [...each].sort()),
    [
      ['ann', 'bob', 'eve'],
      ['ann', 'bob', 'eve'],
    ],
  );
  const ofB = a.changes.filter((change) => change.type === 'joined' && change.member.details.of === 'b');
  assert.deepEqual([ofB.length, [...a.seen].sort()], [1, ['ann', 'bob', 'eve']]);
  assert.deepEqual([a.metric('tidegate_presence_fenced_total'), b.timesFenced], [1, 0]);
});

test('direct messages and kicks reach only their member, on this gateway and on others', async (t) => {
  const log = await roomLog(t);
  const [a, b, c] = (await gateways(t, log, 3)) as [Gateway, Gateway, Gateway];
  const [ann, bob] = [a.named('ann'), b.named('bob')];
  await a.admitted(ann);
  await b.admitted(bob);
  for (const gateway of [a, b, c]) await gateway.until(() => gateway.presence.names.length === 2);
  assert.equal(a.presence.direct('ann', 'bob', 'hello'), 'sent');
  assert.equal(b.presence.direct('bob', 'bob', 'to myself'), 'sent');
  assert.equal(b.commands.length, 0, 'the observer is not called within the call that sends a command');
  assert.equal(b.presence.direct('bob', 'eve', 'hello'), 'unknown');
  assert.equal(c.presence.kick('joe', 'ann'), 'sent');
  assert.equal(c.presence.kick('joe', 'eve'), 'unknown');
  await b.until(() => b.commands.length === 2);
  await a.until(() => a.commands.length === 1);
  assert.deepEqual(
    b.commands.toSorted((one) => (one.type === 'direct' && one.from === 'ann' ? -1 : 1)),
    [
      { type: 'direct', to: bob, from: 'ann', content: 'hello' },
      { type: 'direct', to: bob, from: 'bob', content: 'to myself' },
    ],
  );
  assert.deepEqual([a.commands, c.commands], [[{ type: 'kick', target: ann, by: 'joe' }], []]);
  // What stays on a gateway does not go through the log.
  assert.equal((await contentOf(log, TOPICS.control)).length, 2);
});

test('a kick without a target is for all members, also on the gateway of the sender', async (t) => {
  const log = await roomLog(t);
  const all = (await gateways(t, log, 2)) as [Gateway, Gateway];
  const guests = all.map((gateway) => numbers(3).map(() => gateway.numbered()));
  for (const gateway of all) await gateway.until(() => gateway.guests.size === 3);
  assert.equal(all[0].presence.kick('client-1', undefined), 'sent');
  for (const gateway of all) await gateway.until(() => gateway.commands.length === 3);
  for (const [at, { commands }] of all.entries()) {
    assert.deepEqual(
      commands,
      guests[at]?.map((target) => ({ type: 'kick', target, by: 'client-1' })),
    );
  }
});

test('a member that has left is unknown at once on its own gateway', async (t) => {
  const log = await roomLog(t);
  const [a] = await gateways(t, log, 1);
  const ann = a.named('ann');
  await a.admitted(ann);
  a.leave(ann);
  assert.equal(a.presence.direct('bob', 'ann', 'hello'), 'unknown');
});

test('a gateway that says goodbye is not declared dead', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  const ann = a.named('ann');
  await a.admitted(ann);
  a.leave(ann);
  await a.presence.resign();
  assert.match(a.presence.notReadyReason ?? '', /left the room/);
  const gateway = () => b.stats.snapshot().find(({ name }) => name === 'tidegate_presence_gateways')?.points[0];
  await b.until(() => (gateway() as { value: number }).value === 0);
  // The former gateway would be found dead by now.
  const bob = b.named('bob');
  await b.admitted(bob);
  const leases = async () => (await contentOf(log, TOPICS.presence)).filter(([key]) => key.includes('/lease/')).length;
  const before = await leases();
  while ((await leases()) < before + 5) await new Promise((resolve) => setTimeout(resolve, 20));
  const content = await contentOf(log, TOPICS.presence);
  assert.deepEqual(
    content.filter(([key]) => key.includes('/dead/')),
    [],
  );
  assert.equal(b.metric('tidegate_presence_declared_dead_total'), 0);
});

test('a goodbye ends also if the log never takes it, and at once if there is nothing to write', async (t) => {
  const log = await roomLog(t);
  const [a] = await gateways(t, log, 1);
  a.abandon();
  await a.presence.resign();
  await a.presence.resign();
  const never = new Gateway(log);
  await never.presence.resign();
  await never.presence.close();
  await never.presence.resign();
  assert.match(never.presence.notReadyReason ?? '', /left the room/);
});

test('with a log of its own a gateway declares an earlier run dead at once', async (t) => {
  const log = await roomLog(t);
  const [before] = await gateways(t, log, 1, { isAlone: true });
  await before.admitted(before.named('ann'));
  await before.admitted(before.named('bob'));
  await before.kill();
  const started = Date.now();
  const after = new Gateway(log, { isAlone: true, lease: 60_000 });
  t.after(() => after.presence.close());
  const ann = after.named('ann');
  await after.ready();
  await after.admitted(ann);
  // Not after a lease of its own, which is a minute.
  assert.ok(Date.now() - started < 50_000);
  assert.deepEqual([after.presence.names, after.seen, after.taken], [['ann'], ['ann'], []]);
});

test('rooms of two endpoints in the same topics do not mix, but share their numbers', async (t) => {
  const log = await roomLog(t);
  const [a] = await gateways(t, log, 1);
  const [other] = await gateways(t, log, 1, { endpoint: 'cha' });
  await a.admitted(a.named('ann'));
  await other.admitted(other.named('ann'));
  assert.deepEqual([await a.admitted(a.numbered()), await other.admitted(other.numbered())], ['client-1', 'client-2']);
  other.presence.kick('ann', undefined);
  await other.until(() => other.commands.length === 2);
  assert.deepEqual(
    [names([a, other]), a.commands],
    [
      [
        ['ann', 'client-1'],
        ['ann', 'client-2'],
      ],
      [],
    ],
  );
});

test('records that no gateway has written do no harm', async (t) => {
  const log = await roomLog(t);
  const [a, b] = (await gateways(t, log, 2)) as [Gateway, Gateway];
  const incarnation = (await contentOf(log, TOPICS.presence))[0]?.[0].split('/')[2] ?? assert.fail();
  const garbage = ['', '{', 'null', '7', '{}', '{"name":7}', '{"name":"x","details":{"a":1}}', '{"by":3}'];
  const keys = [
    'chat/',
    'chat/member',
    'chat/member//1',
    'chat/member/x/1',
    'chat/member/x/-1',
    'chat/lease/x',
    'chat/dead/y',
    'chat/a/b',
    'x',
  ];
  await store(
    log,
    TOPICS.presence,
    keys.flatMap((key) => garbage.map((text) => [key, text] as const)),
  );
  const garbledCommands = ['{"type":"kick"}', '{"type":"direct","seq":1}', '{"type":"kick-all","by":"x"}', '7', '{'];
  await store(
    log,
    TOPICS.control,
    garbledCommands.map((text) => [`chat/${incarnation}`, text] as const),
  );
  await store(log, TOPICS.control, [['chat/*', '{"type":"kick","seq":1,"by":"x","target":"y"}']]);
  await a.admitted(a.named('ann'));
  await b.until(() => b.presence.names.includes('ann'));
  a.presence.direct('x', 'ann', 'end');
  b.presence.direct('x', 'ann', 'end');
  await a.until(() => a.commands.length === 2);
  const [late] = await gateways(t, log, 1);
  assert.deepEqual(names([a, b, late]), [['ann'], ['ann'], ['ann']]);
  assert.deepEqual([a.timesFenced, b.timesFenced, a.kept.errors(), b.kept.errors()], [0, 0, [], []]);
  const skipped = a.kept.lines.filter(({ level, text }) => level === 'debug' && text.includes('are skipped'));
  assert.equal(skipped.length, 2, 'logged once for each topic');
});

test('an observer that throws has no effect on other gateways', async (t) => {
  const log = await roomLog(t);
  const [a] = await gateways(t, log, 1);
  const broken = () => {
    throw new Error('observer bug');
  };
  const bad = new Gateway(log, { observer: { changed: broken, commanded: broken, fenced: broken } });
  t.after(() => bad.presence.close());
  await bad.ready();
  bad.named('bad');
  await a.until(() => a.presence.names.includes('bad'));
  a.presence.direct('x', 'bad', 'hello');
  await bad.until(() => bad.kept.errors().length === 2);
  assert.deepEqual(bad.presence.names, ['bad']);
});

test('a topic that was created again is read again, and all clients have to reconnect', async (t) => {
  const log = await roomLog(t);
  const [a] = await gateways(t, log, 1);
  await a.admitted(a.named('ann'));
  await a.admitted(a.named('bob'));
  await log.admin.delete(TOPICS.presence);
  await log.admin.create({ name: TOPICS.presence, partitions: 1, config: { 'cleanup.policy': 'compact' } });
  await a.until(() => a.timesFenced === 1 && a.presence.notReadyReason === undefined);
  const eve = a.named('eve');
  await a.admitted(eve);
  assert.deepEqual([a.presence.names, a.seen], [['eve'], ['eve']]);
});

// Helpers

async function store(log: Log, name: string, records: readonly (readonly [string, string])[]): Promise<void> {
  const topic = new Topic({ name, log, logger: keptLogger().logger, stats: createStats(), tracing: NO_TRACING });
  topic.write(new Batch(records.map(([key, text]) => new Message(Buffer.from(text), { key }))));
  await topic.drained();
}
