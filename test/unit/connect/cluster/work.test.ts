import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { NEVER, Subject } from 'rxjs';
import { builtinRegistry } from '../../../../src/config/builtins.ts';
import { Cipher } from '../../../../src/connect/cluster/cipher.ts';
import { connectorKey, connectorValue, type TargetState } from '../../../../src/connect/cluster/config-records.ts';
import { ConfigSeal } from '../../../../src/connect/cluster/config-seal.ts';
import { ConfigTable } from '../../../../src/connect/cluster/config-table.ts';
import { ConnectorDescriptions } from '../../../../src/connect/cluster/descriptions.ts';
import type { Ownership } from '../../../../src/connect/cluster/ownership.ts';
import type { RunObserver } from '../../../../src/connect/cluster/runner.ts';
import { connectorStatusKey, type Status, taskStatusKey } from '../../../../src/connect/cluster/status-table.ts';
import type { ConnectStore } from '../../../../src/connect/cluster/store.ts';
import { partitionOfConnector, partitionOfTask } from '../../../../src/connect/cluster/topics.ts';
import { Work } from '../../../../src/connect/cluster/work.ts';
import { examine } from '../../../../src/connect/settings/index.ts';
import { createStats } from '../../../../src/telemetry/stats.ts';
import { keptLogger, turn } from '../../actors/rig.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { Records } from './records.ts';

const registry = builtinRegistry();
const CONFIG = {
  'connector.class': 'WebSocketSource',
  'websocket.url': 'ws://127.0.0.1:1',
  'websocket.auth.token': 'geheim',
  'kafka.topic': 'mine',
  name: 'feed',
};
const CONNECTOR = connectorStatusKey('feed');
const TASK = taskStatusKey('feed', 0);

/** The work of a gateway that holds what the test says, and what it reports. */
function setUp(cipher = new Cipher()) {
  const table = new ConfigTable(cipher);
  const records = new Records();
  const epochs = new Map<number, number>();
  const reports: [key: string, status: Status | null][] = [];
  const ended: string[] = [];
  const runs: RunObserver[] = [];
  const released: number[] = [];
  const ownership = {
    isAlive: true,
    leaving: [] as number[],
    changed$: new Subject<void>(),
    epochOf: (partition: number) => epochs.get(partition),
    isOurs: (partition: number) => epochs.has(partition) && !ownership.leaving.includes(partition),
    letGo: (partitions: readonly number[]) => released.push(...partitions),
  };
  const statusesLost$ = new Subject<void>();
  const store = {
    configs: table,
    changes$: NEVER,
    statusesLost$,
    putStatus: (key: string, status: Status | null) => reports.push([key, status]),
  };
  const kept = keptLogger();
  const work = new Work({
    store: store as unknown as ConnectStore,
    ownership: ownership as unknown as Ownership,
    descriptions: new ConnectorDescriptions((config) => examine(config, { registry })),
    run: async ({ observer }) => {
      runs.push(observer);
      return { end: async () => void ended.push('ended'), drop: async () => void ended.push('dropped') };
    },
    workerId: () => 'here:1',
    version: '1',
    sessionTimeout: 6_000,
    clock: new HandClock(),
    logger: kept.logger,
    stats: createStats(),
  });
  const settle = async () => {
    ownership.changed$.next();
    for (let round = 0; round < 4; round++) await turn();
  };
  const hold = (epoch: number) => {
    for (const partition of [partitionOfConnector('feed'), partitionOfTask('feed', 0)]) epochs.set(partition, epoch);
    return settle();
  };
  const lose = () => {
    epochs.clear();
    return settle();
  };
  const write = (state: TargetState, by = cipher) => {
    const stored = new ConfigSeal(by).seal('feed', CONFIG);
    const taskConfig = state === 'STOPPED' ? undefined : stored;
    table.apply(records.add(connectorKey('feed'), connectorValue({ config: stored, state, taskConfig }, 0)));
    return settle();
  };
  /** Reports since the last look, as `key: state under epoch`. */
  const said = () =>
    reports
      .splice(0)
      .map(([key, status]) => `${key}: ${status === null ? 'gone' : `${status.state} under ${status.generation}`}`);
  return {
    work,
    table,
    ownership,
    statusesLost$,
    reports,
    runs,
    ended,
    released,
    hold,
    lose,
    write,
    said,
    settle,
    ...kept,
  };
}

test('a connector runs on the gateway that holds it, and is reported under its claim', async () => {
  const { hold, write, said, runs } = setUp();
  await write('RUNNING');
  assert.deepEqual([said(), runs.length], [[], 0]);
  await hold(7);
  const reports = said();
  for (const key of [CONNECTOR, TASK]) assert.ok(reports.includes(`${key}: RUNNING under 7`), `${key} in ${reports}`);
  assert.equal(runs.length, 1);
});

test('everything is reported again under a new claim, as readers ignore older reports', async () => {
  const { hold, write, said, runs } = setUp();
  await write('RUNNING');
  await hold(7);
  said();
  await hold(9);
  assert.deepEqual(said().sort(), [`${CONNECTOR}: RUNNING under 9`, `${TASK}: RUNNING under 9`]);
  await hold(9);
  assert.deepEqual([said(), runs.length], [[], 1], 'once, and without a restart');
});

test('a stopped connector is reported once under each claim', async () => {
  const { hold, write, said, runs, statusesLost$ } = setUp();
  await write('STOPPED');
  await hold(7);
  assert.deepEqual(said(), [`${CONNECTOR}: STOPPED under 7`]);
  await hold(7);
  assert.deepEqual(said(), []);
  await hold(9);
  assert.deepEqual(said(), [`${CONNECTOR}: STOPPED under 9`]);
  statusesLost$.next();
  await hold(9);
  assert.deepEqual([said(), runs.length], [[`${CONNECTOR}: STOPPED under 9`], 0]);
});

test('work that another gateway has claimed is dropped without a report', async () => {
  const { hold, lose, write, said, ended } = setUp();
  await write('RUNNING');
  await hold(7);
  said();
  await lose();
  assert.deepEqual([said(), ended], [[], ['dropped']]);
});

test('a partition is released after its work has ended', async () => {
  const { hold, write, said, ended, ownership, released, settle } = setUp();
  await write('RUNNING');
  await hold(7);
  said();
  ownership.leaving = [partitionOfConnector('feed'), partitionOfTask('feed', 0)];
  await settle();
  assert.deepEqual(ended, ['ended']);
  assert.deepEqual(said().sort(), [`${CONNECTOR}: UNASSIGNED under 7`, `${TASK}: UNASSIGNED under 7`]);
  for (const partition of ownership.leaving) assert.ok(released.includes(partition), `${partition}`);
});

test('a trace is cut to a size that every log accepts', async () => {
  const { hold, write, reports, runs } = setUp();
  await write('RUNNING');
  await hold(7);
  runs[0]?.onStatus('x'.repeat(1_048_576));
  assert.equal(reports.at(-1)?.[1]?.state, 'RESTARTING');
  assert.equal(reports.at(-1)?.[1]?.trace?.length, 32_768);
});

test('a connector whose secrets cannot be decrypted fails, and names the missing key', async () => {
  const { hold, write, reports, runs, errors } = setUp(new Cipher([randomBytes(32)]));
  await write('RUNNING', new Cipher([randomBytes(32)]));
  await hold(7);
  const last = new Map(reports);
  for (const key of [CONNECTOR, TASK]) {
    assert.equal(last.get(key)?.state, 'FAILED', key);
    assert.match(last.get(key)?.trace ?? '', /websocket\.auth\.token is encrypted with the key [0-9a-f]{8}/);
  }
  assert.equal(runs.length, 0);
  assert.ok(errors().some((line) => line.includes('has FAILED: websocket.auth.token is encrypted')));
});

test('a connector that ran between two stops is reported as stopped again under the same claim', async () => {
  const { hold, write, said } = setUp();
  await write('STOPPED');
  await hold(7);
  await write('RUNNING');
  said();
  await write('STOPPED');
  const reports = said();
  assert.equal(reports.at(-1), `${CONNECTOR}: STOPPED under 7`, reports.join());
});
