import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ConnectorCommands } from '../../../../src/connect/cluster/commands.ts';
import type { Connectors } from '../../../../src/connect/cluster/connectors.ts';
import { BelongsElsewhere, ConnectRefusal } from '../../../../src/connect/cluster/refusal.ts';
import { type ConnectorViews, notFound } from '../../../../src/connect/cluster/views.ts';
import { turn } from '../../actors/rig.ts';

/** Commands of a gateway that holds every name, under the epoch that the test gives; `known`: the connectors that there are. */
function setUp() {
  const known = new Set<string>();
  const done: string[] = [];
  const ownership = {
    epoch: 7,
    owner: { id: 'me', url: 'http://me' },
    isRebalancing: false,
    isAlive: true,
    isOurs: () => ownership.owner.id === 'me',
    epochOf: () => ownership.epoch,
    ownerOf: () => ownership.owner,
  };
  const writes: (() => void)[] = [];
  const store = {
    deleteConnector: async (name: string, epoch: number) => {
      await new Promise<void>((resolve) => writes.push(resolve));
      known.delete(name);
      done.push(`${name} under ${epoch}`);
    },
  };
  const views = {
    entry: (name: string) => {
      if (!known.has(name)) throw notFound(`Connector ${name} not found`);
    },
  };
  const connectors = {
    ownership,
    store,
    notReadyReason: undefined as string | undefined,
    options: { me: { id: 'me' } },
  };
  const commands = new ConnectorCommands(connectors as unknown as Connectors, views as unknown as ConnectorViews);
  /** The write that is under way is read back. */
  const written = async () => {
    await turn();
    writes.shift()?.();
  };
  return { commands, known, done, ownership, connectors, writes, written };
}

const isRefused = (status: number) => (error: unknown) => error instanceof ConnectRefusal && error.status === status;

test('a refused call does not block the next call for the same name', async () => {
  const { commands, known, done, written } = setUp();
  const [first, second] = [commands.delete('feed'), commands.delete('feed')];
  const refused = assert.rejects(first, isRefused(404));
  first.catch(() => known.add('feed'));
  await refused;
  await written();
  await second;
  assert.deepEqual(done, ['feed under 7']);
});

test('calls for one name are executed in order, calls for different names in parallel', async () => {
  const { commands, known, writes, written } = setUp();
  for (const name of ['feed', 'other']) known.add(name);
  const calls = [commands.delete('feed'), commands.delete('feed'), commands.delete('other')];
  await turn();
  assert.equal(writes.length, 2);
  const gone = assert.rejects(calls[1] as Promise<void>, isRefused(404));
  await written();
  await written();
  await Promise.all([calls[0], calls[2], gone]);
});

test('a write is refused if another gateway has claimed the name before it was read back', async () => {
  const { commands, known, ownership, written } = setUp();
  known.add('feed');
  const refused = assert.rejects(commands.delete('feed'), isRefused(409));
  await turn();
  ownership.epoch = 9;
  await written();
  await refused;
});

test("a call for another gateway's name is forwarded, and refused while the owner is unknown", async () => {
  const { commands, ownership, connectors } = setUp();
  ownership.owner = { id: 'other', url: 'http://other' };
  await assert.rejects(commands.delete('feed'), BelongsElsewhere);
  ownership.isRebalancing = true;
  await assert.rejects(commands.delete('feed'), isRefused(409));
  connectors.notReadyReason = 'the topics of connectors cannot be read';
  await assert.rejects(commands.delete('feed'), isRefused(503));
});
