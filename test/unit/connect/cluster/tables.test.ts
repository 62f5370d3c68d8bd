import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  claimKey,
  connectorKey,
  connectorValue,
  epochHeader,
  restartKey,
  type TargetState,
} from '../../../../src/connect/cluster/config-records.ts';
import { ConfigTable } from '../../../../src/connect/cluster/config-table.ts';
import { OffsetTable, offsetKey } from '../../../../src/connect/cluster/offset-table.ts';
import {
  connectorStatusKey,
  StatusTable,
  taskStatusKey,
  topicStatusKey,
} from '../../../../src/connect/cluster/status-table.ts';
import { partitionOfConnector } from '../../../../src/connect/cluster/topics.ts';
import { parseAsWritten, writeJson } from '../../../../src/core/exact-number.ts';
import type { Headers } from '../../../../src/core/headers.ts';
import { Message } from '../../../../src/core/message.ts';
import { Records } from './records.ts';

const PLACE = partitionOfConnector('feed');
const config = (url: string) => ({ 'connector.class': 'WebSocketSource', 'websocket.url': url });

/** A topic of configs that is applied as it is written. */
function cluster() {
  const records = new Records();
  const table = new ConfigTable();
  const add = (key: string, value: object | null) => table.apply(records.add(key, value));
  const claim = (worker: string, more: object = {}) => {
    add(claimKey(PLACE), { worker, url: `http://${worker}`, generation: 1, ...more });
    return table.claims.get(PLACE)?.epoch ?? -1;
  };
  const write = (epoch: number, url: string, state = 'RUNNING') =>
    add(connectorKey('feed'), { config: config(url), state, epoch });
  return { records, table, add, claim, write, url: () => table.connectors.get('feed')?.config['websocket.url'] };
}

describe('the topic of configs', () => {
  test('gives a running connector tasks and a stopped one none; a pause changes nothing', () => {
    const { table, records, claim, add } = cluster();
    const epoch = claim('a');
    const tasksIn = (...states: TargetState[]) =>
      states.map((state) => {
        const taskConfig = table.connectors.get('feed')?.taskSettings?.config;
        add(connectorKey('feed'), connectorValue({ config: config('ws://1'), state, taskConfig }, epoch));
        const late = new ConfigTable();
        for (const message of records.compacted()) late.apply(message);
        assert.deepEqual(
          late.connectors.get('feed')?.taskSettings?.config,
          table.connectors.get('feed')?.taskSettings?.config,
        );
        return table.connectors.get('feed')?.taskSettings !== undefined;
      });
    assert.deepEqual(tasksIn('PAUSED', 'RUNNING', 'PAUSED'), [false, true, true]);
    assert.deepEqual(tasksIn('STOPPED', 'PAUSED', 'RUNNING'), [false, false, true]);
  });

  test('accepts records with lower epochs after it was cleared', () => {
    const { table, records, claim, write, url } = cluster();
    claim('a');
    write(claim('b'), 'ws://1');
    table.clear();
    records.all.length = 0;
    assert.equal(url(), undefined);
    write(0, 'ws://2');
    assert.equal(url(), 'ws://2');
  });

  test("keeps the settings of a paused connector's tasks until it is resumed", () => {
    const { table, records, claim, add } = cluster();
    const epoch = claim('a');
    const write = (url: string, state: TargetState) => {
      const taskConfig = table.connectors.get('feed')?.taskSettings?.config;
      add(connectorKey('feed'), connectorValue({ config: config(url), state, taskConfig }, epoch));
      const late = new ConfigTable();
      for (const message of records.compacted()) late.apply(message);
      const [ours, theirs] = [table, late].map(({ connectors }) => connectors.get('feed')?.taskSettings?.config);
      assert.deepEqual(theirs, ours, 'a later reader knows the same');
      return [ours?.['websocket.url'], table.connectors.get('feed')?.taskSettings?.version] as const;
    };
    const [first, version] = write('ws://1', 'RUNNING');
    assert.equal(first, 'ws://1');
    assert.deepEqual(write('ws://1', 'PAUSED'), ['ws://1', version]);
    assert.deepEqual(write('ws://2', 'PAUSED'), ['ws://1', version]);
    assert.deepEqual(write('ws://1', 'PAUSED'), ['ws://1', version]);
    write('ws://2', 'PAUSED');
    const [second, later] = write('ws://2', 'RUNNING');
    assert.equal(second, 'ws://2');
    assert.ok((later ?? -1) > (version ?? -1), 'the tasks begin anew');
    assert.deepEqual(write('ws://3', 'STOPPED'), [undefined, undefined]);
  });

  test('has a connector as its owner wrote it last', () => {
    const { table, claim, write, add } = cluster();
    const epoch = claim('a');
    assert.deepEqual(write(epoch, 'ws://1'), { type: 'connector', name: 'feed' });
    const version = table.connectors.get('feed')?.version;
    write(epoch, 'ws://1', 'PAUSED');
    assert.deepEqual(table.connectors.get('feed'), {
      name: 'feed',
      config: config('ws://1'),
      state: 'PAUSED',
      taskSettings: undefined,
      version,
      writtenAt: 2,
    });
    write(epoch, 'ws://2', 'PAUSED');
    assert.ok((table.connectors.get('feed')?.version ?? -1) > (version ?? -1));
    assert.deepEqual(add(connectorKey('feed'), { deleted: true, epoch }), { type: 'deleted', name: 'feed' });
    assert.equal(table.connectors.size, 0);
  });

  test('ignores everything that a former owner writes', () => {
    const { table, claim, write, add, url } = cluster();
    const old = claim('a');
    write(old, 'ws://1');
    const epoch = claim('b');
    write(epoch, 'ws://2');
    assert.deepEqual(write(old, 'ws://3'), { type: 'stale', name: 'feed' });
    assert.deepEqual(add(connectorKey('feed'), { deleted: true, epoch: old }), { type: 'stale', name: 'feed' });
    assert.equal(add(restartKey('feed'), { connector: true, tasks: [0], epoch: old }), undefined);
    assert.equal(url(), 'ws://2');
    assert.equal(table.claims.get(PLACE)?.worker.id, 'b');
  });

  test('ignores a release after a claim of another gateway', () => {
    const { table, claim, add } = cluster();
    claim('a');
    claim('b');
    assert.equal(add(claimKey(PLACE), { worker: 'a', url: 'http://a', generation: 1, released: true }), undefined);
    assert.deepEqual([table.claims.get(PLACE)?.worker.id, table.claims.get(PLACE)?.isReleased], ['b', false]);
    claim('b', { released: true });
    assert.equal(table.claims.get(PLACE)?.isReleased, true);
  });

  test('ignores the tombstone of a former owner, and knows what has to be written again', () => {
    const { records, table, claim, write, url } = cluster();
    const old = claim('a');
    const epoch = claim('b');
    write(epoch, 'ws://2');
    const sweep = (headers?: Headers) =>
      table.apply(
        records.put(
          new Message(Buffer.alloc(0), {
            key: connectorKey('feed'),
            meta: { tombstone: true },
            ...(headers && { headers }),
          }),
        ),
      );
    assert.deepEqual(sweep(epochHeader(old)), { type: 'stale', name: 'feed' });
    assert.equal(url(), 'ws://2');
    assert.deepEqual([...table.stale], ['feed']);
    write(epoch, 'ws://2');
    assert.deepEqual([...table.stale], []);
    assert.deepEqual(sweep(), { type: 'deleted', name: 'feed' }, 'a person may do so');
  });

  test('skips records that no gateway can have written', () => {
    const { add, table } = cluster();
    for (const [key, value] of [
      ['connector-x', { config: 1, state: 'RUNNING', epoch: 0 }],
      ['connector-x', { config: { a: 1 }, state: 'RUNNING', epoch: 0 }],
      ['connector-x', { config: {}, state: 'HAPPY', epoch: 0 }],
      ['connector-x', { config: {}, state: 'RUNNING' }],
      ['claim-x', { worker: 'a', url: 'u', generation: 1 }],
      ['claim-1', {}],
      ['something', { a: 1 }],
    ] as const)
      assert.equal(add(key, value), undefined, key);
    assert.equal(table.apply(new Message(Buffer.from('{'), { key: 'connector-x', offset: 99 })), undefined);
    assert.equal(table.connectors.size + table.claims.size, 0);
  });

  test('is the same after compaction, if owners write again what former owners overwrote', () => {
    const step = fc.oneof(
      fc.record({ type: fc.constant('claim' as const), by: fc.constantFrom('a', 'b', 'c') }),
      fc.record({ type: fc.constant('write' as const), by: fc.constantFrom('a', 'b', 'c'), url: fc.nat(9) }),
      fc.record({ type: fc.constant('delete' as const), by: fc.constantFrom('a', 'b', 'c') }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { records, table, add, claim } = cluster();
        const epochs = new Map<string, number>();
        for (const one of steps) {
          if (one.type === 'claim') {
            epochs.set(one.by, claim(one.by));
            continue;
          }
          const epoch = epochs.get(one.by);
          if (epoch === undefined) continue;
          const value =
            one.type === 'delete'
              ? { deleted: true, epoch }
              : { config: config(`ws://${one.url}`), state: 'RUNNING', epoch };
          const change = add(connectorKey('feed'), value);
          const holder = table.claims.get(PLACE)?.epoch ?? 0;
          const entry = table.connectors.get('feed');
          if (change?.type === 'stale')
            add(
              connectorKey('feed'),
              entry === undefined ? null : { config: entry.config, state: entry.state, epoch: holder },
            );
          else if (one.type === 'delete') add(connectorKey('feed'), null);
        }
        const late = new ConfigTable();
        for (const message of records.compacted()) late.apply(message);
        assert.deepEqual(late.connectors.get('feed')?.config, table.connectors.get('feed')?.config);
        assert.deepEqual(late.claims, table.claims);
      }),
    );
  });
});

describe('the topic of statuses', () => {
  const status = (state: string, generation: number, more: object = {}) => ({
    ...{ state, worker_id: 'h:1', version: '1', generation },
    ...more,
  });

  test('ignores statuses under an older claim', () => {
    const records = new Records();
    const table = new StatusTable();
    table.apply(records.add(connectorStatusKey('x'), status('RUNNING', 5)));
    table.apply(records.add(connectorStatusKey('x'), status('FAILED', 4, { trace: 'late' })));
    assert.equal(table.connector('x')?.state, 'RUNNING');
    table.apply(records.add(connectorStatusKey('x'), status('FAILED', 5, { trace: 'why' })));
    assert.deepEqual(table.connector('x'), { ...status('FAILED', 5), trace: 'why' });
    table.apply(records.add(connectorStatusKey('x'), null));
    assert.equal(table.connector('x'), undefined);
  });

  test('separates connectors with the same prefix, and lists all keys of one', () => {
    const records = new Records();
    const table = new StatusTable();
    for (const name of ['x', 'x-1', 'x-1-2']) table.apply(records.add(taskStatusKey(name, 3), status('RUNNING', 1)));
    table.apply(records.add(connectorStatusKey('x'), status('RUNNING', 1)));
    table.apply(records.add(topicStatusKey('x', 'a.b'), { topic: 'a.b' }));
    table.apply(records.add(topicStatusKey('x:connector-y', 'a'), { topic: 'a' }));
    assert.deepEqual(table.tasksOf('x'), [3]);
    assert.deepEqual(table.topicsOf('x'), ['a.b']);
    assert.deepEqual(table.topicsOf('x:connector-y'), ['a']);
    assert.deepEqual(table.keysOf('x'), [connectorStatusKey('x'), taskStatusKey('x', 3), topicStatusKey('x', 'a.b')]);
    table.apply(records.add(topicStatusKey('x', 'a.b'), null));
    assert.equal(table.hasUsed('x', 'a.b'), false);
  });

  test('skips what is not a status', () => {
    const records = new Records();
    const table = new StatusTable();
    for (const value of [status('HAPPY', 1), { state: 'RUNNING', generation: 1 }, { state: 'RUNNING', worker_id: 'x' }])
      table.apply(records.add(connectorStatusKey('x'), value));
    assert.equal(table.connector('x'), undefined);
  });
});

describe('the topic of offsets', () => {
  test('has one offset for a partition, whatever the order of its fields', () => {
    const records = new Records();
    const table = new OffsetTable();
    table.apply(records.add(offsetKey('x', { url: 'u', share: 's' }), { offset: { cursor: 1 }, generation: 3 }));
    assert.deepEqual(table.at('x', { share: 's', url: 'u' }), { cursor: 1 });
    assert.deepEqual(table.of('x'), [{ partition: { share: 's', url: 'u' }, offset: { cursor: 1 } }]);
    assert.deepEqual(table.of('y'), []);
    table.apply(records.add(offsetKey('x', { url: 'u', share: 's' }), { offset: { cursor: 0 }, generation: 2 }));
    assert.deepEqual(table.at('x', { share: 's', url: 'u' }), { cursor: 1 });
    assert.equal(table.generationOf('x', { share: 's', url: 'u' }), 3);
    table.apply(records.add(offsetKey('x', { url: 'u', share: 's' }), null));
    assert.deepEqual(table.of('x'), []);
  });

  test('keeps every digit of cursors and of partitions', () => {
    const records = new Records();
    const table = new OffsetTable();
    const partition = parseAsWritten('{"url":"u","part":8389766145050669871}') as object as Record<string, unknown>;
    const offset = parseAsWritten('{"cursor":1.10}') as Record<string, unknown>;
    table.apply(records.add(offsetKey('x', partition), { offset, generation: 3 }));
    assert.equal(
      writeJson(table.of('x')),
      '[{"partition":{"part":8389766145050669871,"url":"u"},"offset":{"cursor":1.10}}]',
    );
    assert.equal(writeJson(table.at('x', partition)), '{"cursor":1.10}');
  });

  test('ignores offsets that an older task saves, also after the offset was reset', () => {
    const records = new Records();
    const table = new OffsetTable();
    const save = (offset: object | null, generation: number) =>
      table.apply(records.add(offsetKey('x', { url: 'u' }), { offset, generation }));
    save({ cursor: 1 }, 3);
    save(null, 5);
    save({ cursor: 2 }, 4);
    assert.deepEqual([table.of('x'), table.at('x', { url: 'u' })], [[], undefined]);
    save({ cursor: 3 }, 6);
    assert.deepEqual(table.at('x', { url: 'u' }), { cursor: 3 });
  });

  test('skips invalid keys and values', () => {
    const records = new Records();
    const table = new OffsetTable();
    table.apply(records.add('x', { offset: {}, generation: 1 }));
    table.apply(records.add('["x"]', { offset: {}, generation: 1 }));
    table.apply(records.add(offsetKey('x', {}), { offset: 1, generation: 1 }));
    table.apply(records.add(offsetKey('x', {}), { offset: {} }));
    assert.deepEqual(table.of('x'), []);
  });
});
