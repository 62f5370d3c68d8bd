// Own process: it listens for errors that nothing in its process catches.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subject } from 'rxjs';
import type { ConfigChange } from '../../../../src/connect/cluster/config-table.ts';
import type { Ownership } from '../../../../src/connect/cluster/ownership.ts';
import { RecordRepair } from '../../../../src/connect/cluster/record-repair.ts';
import type { ConnectStore } from '../../../../src/connect/cluster/store.ts';
import { partitionOfConnector } from '../../../../src/connect/cluster/topics.ts';
import { keptLogger } from '../../actors/rig.ts';

/** The repair of a gateway that owns the connectors that the test says, under epoch 7. */
function setUp() {
  const changes$ = new Subject<ConfigChange>();
  const [stale, outdated, owned] = [new Set<string>(), new Set<string>(), new Set<number>()];
  const broken = new Set<string>();
  const written: string[] = [];
  const store = {
    changes$,
    configs: { stale, outdated },
    rewrite: (name: string, epoch: number) => {
      if (broken.has(name)) throw new Error(`${name} is broken`);
      written.push(`${name} under ${epoch}`);
    },
  };
  const ownership = {
    isOurs: (partition: number) => owned.has(partition),
    epochOf: (partition: number) => (owned.has(partition) ? 7 : undefined),
  };
  const kept = keptLogger();
  new RecordRepair({
    store: store as unknown as ConnectStore,
    ownership: ownership as unknown as Ownership,
    logger: kept.logger,
  });
  const own = (name: string) => owned.add(partitionOfConnector(name));
  const claim = (name: string) => changes$.next({ type: 'claim', partition: partitionOfConnector(name) });
  return { changes$, stale, outdated, own, broken, claim, written: () => written.splice(0), ...kept };
}

test('an owner replaces what a former owner has written', () => {
  const { changes$, own, written, warnings } = setUp();
  changes$.next({ type: 'stale', name: 'feed' });
  assert.deepEqual(written(), [], 'another gateway owns it');
  own('feed');
  changes$.next({ type: 'stale', name: 'feed' });
  assert.deepEqual([written(), warnings().length], [['feed under 7'], 1]);
});

test('a new owner writes again what is stale, and secrets that are not encrypted as they should be', () => {
  const { stale, outdated, own, claim, written } = setUp();
  stale.add('feed').add('other');
  outdated.add('feed');
  claim('feed');
  assert.deepEqual(written(), [], 'the claim is not ours');
  own('feed');
  own('other');
  claim('feed');
  assert.deepEqual(written(), ['feed under 7', 'feed under 7'], 'only what belongs to the claimed partition');
});

test('a record that cannot be written again is logged, and does not end the process', async (t) => {
  const { changes$, own, broken, errors } = setUp();
  const uncaught = t.mock.fn();
  process.on('uncaughtException', uncaught);
  t.after(() => process.off('uncaughtException', uncaught));
  own('feed');
  broken.add('feed');
  changes$.next({ type: 'stale', name: 'feed' });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual([uncaught.mock.callCount(), errors().length], [0, 1]);
});
