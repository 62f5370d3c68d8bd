import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Cipher } from '../../../../src/connect/cluster/cipher.ts';
import { connectorKey, connectorValue, SESSION_KEY } from '../../../../src/connect/cluster/config-records.ts';
import { ConfigSeal } from '../../../../src/connect/cluster/config-seal.ts';
import { ConfigTable } from '../../../../src/connect/cluster/config-table.ts';
import { hiddenLeft, masked } from '../../../../src/connect/settings/index.ts';
import { Records } from './records.ts';

const [mine, old] = [new Cipher([randomBytes(32)]), new Cipher([randomBytes(32)])];

const CONFIG = {
  'connector.class': 'WebSocketSource',
  'websocket.url': 'ws://user:geheim-url@h/ws?token=geheim-query',
  'websocket.auth.token': 'geheim-token',
  'websocket.headers': 'X-Api-Key:geheim-header',
  'websocket.subscription.message': '{"op":"login","password":"geheim-login"}',
  'my.password': 'geheim-unknown',
  'kafka.topic': 'trades',
};

/** A connector as a gateway with that cipher writes it, and the table of one that may have another. */
function written(by: Cipher, read: Cipher, state: 'RUNNING' | 'PAUSED' = 'RUNNING') {
  const records = new Records();
  const table = new ConfigTable(read);
  const write = (config: typeof CONFIG) => {
    const seal = new ConfigSeal(by);
    const stored = seal.seal('feed', config);
    return records.add(connectorKey('feed'), connectorValue({ config: stored, state, taskConfig: stored }, 1));
  };
  const record = write(CONFIG);
  table.apply(record);
  return { records, table, write, record, entry: () => table.connectors.get('feed') };
}

test('exactly the settings that the API hides are encrypted', () => {
  const { record, entry } = written(mine, mine);
  assert.doesNotMatch(record.text, /geheim/);
  assert.match(record.text, /"kafka.topic":"trades"/);
  assert.match(record.text, /"connector.class":"WebSocketSource"/);
  assert.deepEqual(entry()?.config, CONFIG);
});

test('settings in the clear are read, and have to be written again', () => {
  const { table, entry, records } = written(new Cipher(), mine);
  assert.deepEqual(entry()?.config, CONFIG);
  assert.deepEqual([...table.outdated], ['feed']);
  const version = entry()?.version;
  const stored = table.seal.seal('feed', CONFIG);
  table.apply(
    records.add(connectorKey('feed'), connectorValue({ config: stored, state: 'RUNNING', taskConfig: undefined }, 1)),
  );
  assert.deepEqual([...table.outdated], []);
  assert.equal(entry()?.version, version, 'the tasks need not begin anew');
  table.apply(records.add(connectorKey('feed'), null));
  assert.deepEqual([...written(new Cipher(), new Cipher()).table.outdated], [], 'without a key it stays as it is');
});

test('settings of paused tasks are encrypted, too, and have to be written again if they are not', () => {
  const seal = new ConfigSeal(mine);
  const table = new ConfigTable(mine);
  const records = new Records();
  const change = { ...CONFIG, 'websocket.auth.token': 'geheim-new' };
  const write = (config: object, dealt: object) =>
    table.apply(records.add(connectorKey('feed'), { config, state: 'PAUSED', dealt, epoch: 1 }));
  write(seal.seal('feed', change), seal.seal('feed', CONFIG));
  assert.deepEqual(
    [table.connectors.get('feed')?.config, table.connectors.get('feed')?.taskSettings?.config],
    [change, CONFIG],
  );
  assert.deepEqual([...table.outdated], []);
  write(seal.seal('feed', change), CONFIG);
  assert.deepEqual([...table.outdated], ['feed']);
  write(seal.seal('feed', change), seal.seal('feed', CONFIG));
  assert.deepEqual([...table.outdated], []);
  write(CONFIG, seal.seal('feed', CONFIG));
  assert.deepEqual([...table.outdated], ['feed']);
});

test('a setting that cannot be decrypted is hidden, has a reason, and is written back unchanged', () => {
  const { record, entry, table } = written(old, mine, 'PAUSED');
  const config = entry()?.config ?? {};
  for (const [key, text] of Object.entries(CONFIG))
    assert.equal(config[key], /geheim/.test(text) ? '[hidden]' : text, key);
  assert.match(table.seal.unreadable(config) ?? '', /^websocket\.url is encrypted with the key [0-9a-f]{8}/);
  assert.doesNotMatch(JSON.stringify(masked(config)), /encrypted/);
  assert.deepEqual(
    hiddenLeft(config).sort(),
    Object.keys(CONFIG)
      .filter((key) => config[key] === '[hidden]')
      .sort(),
  );
  assert.deepEqual([...table.outdated], [], 'nothing here can write it anew');
  assert.equal(entry()?.taskSettings?.config, config);
  const again = table.seal.seal('feed', config);
  assert.deepEqual(again, (JSON.parse(record.text) as { config: unknown }).config);
  assert.equal(table.seal.unreadable(CONFIG), undefined);
});

test('settings that cannot be decrypted are never taken for equal', () => {
  const { table, write, entry } = written(old, mine);
  const first = entry()?.config;
  table.apply(write({ ...CONFIG, 'websocket.auth.token': 'geheim-other' }));
  const second = entry()?.config;
  assert.ok(first !== undefined && second !== undefined);
  assert.notDeepEqual(table.seal.seal('feed', second), table.seal.seal('feed', first));
  assert.equal(table.seal.isSame(first, second), false);
});

test('an encrypted setting cannot be moved to another connector', () => {
  const seal = new ConfigSeal(mine);
  const stolen = seal.open('mine', seal.seal('feed', CONFIG));
  assert.equal(stolen['websocket.auth.token'], '[hidden]');
});

test('the session key is encrypted, and an unreadable one is never replaced', () => {
  const state = (by: Cipher | undefined, read: Cipher) => {
    const table = new ConfigTable(read);
    const records = new Records();
    if (by !== undefined) table.apply(records.add(SESSION_KEY, { key: by.seal('geheim', SESSION_KEY) }));
    const { sessionKey, isSessionKeyWanted, unreadableSessionKey } = table;
    return [sessionKey, isSessionKeyWanted, unreadableSessionKey !== undefined];
  };
  assert.deepEqual(state(undefined, mine), [undefined, true, false]);
  assert.deepEqual(state(mine, mine), ['geheim', false, false]);
  assert.deepEqual(state(new Cipher(), mine), ['geheim', true, false], 'it is in the clear: there has to be another');
  assert.deepEqual(state(new Cipher(), new Cipher()), ['geheim', false, false]);
  assert.deepEqual(state(old, mine), [undefined, false, true]);
  assert.deepEqual(state(old, new Cipher()), [undefined, false, true]);
});
