import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TestClient } from '../helpers/client.ts';
import { startGateway } from '../helpers/gateway-process.ts';

test('config/examples/alarms.yaml: hot readings become alarms for all clients, across a restart too', async (t) => {
  // A dot in the name, as `mktemp -d` makes it.
  const dataDir = mkdtempSync(join(tmpdir(), 'tidegate.'));
  t.after(() => rmSync(dataDir, { recursive: true, force: true }));
  const options = { config: 'config/examples/alarms.yaml', dataDir };
  const first = await startGateway(t, options);
  await first.ready();
  const sensors = `ws://127.0.0.1:${first.port}/sensors`;
  const [boiler, cellar] = [await TestClient.open(`${sensors}/boiler`), await TestClient.open(`${sensors}/cellar`)];

  boiler.ws.send('{"id":1,"celsius":95.5}');
  boiler.ws.send('{"id":2,"celsius":"hot"}');
  cellar.ws.send('{"id":3,"celsius":12}');
  const jsonOf = ({ frames }: TestClient) =>
    frames.map((frame) => JSON.parse(frame.toString()) as Record<string, unknown>);
  await boiler.until(() => jsonOf(boiler).length === 3);
  await cellar.until(() => jsonOf(cellar).length === 2);
  assert.deepEqual(
    jsonOf(boiler)
      .filter(({ type }) => type === 'ack')
      .map(({ id }) => id),
    [1, 2],
  );
  assert.deepEqual(
    jsonOf(cellar)
      .filter(({ type }) => type === 'ack')
      .map(({ id }) => id),
    [3],
  );
  for (const client of [boiler, cellar]) {
    const [alarm, ...others] = jsonOf(client).filter(({ type }) => type === undefined);
    assert.deepEqual(others, []);
    assert.equal(alarm?.sensor, 'boiler');
    assert.equal(alarm?.celsius, 95.5);
  }

  // The group goes on where it was: what was an alarm before the restart is none again.
  assert.equal(await first.stop(), 0);
  const second = await startGateway(t, options);
  await second.ready();
  const attic = await TestClient.open(`ws://127.0.0.1:${second.port}/sensors/attic`);
  attic.ws.send('{"id":4,"celsius":81}');
  await attic.until(() => jsonOf(attic).some(({ sensor }) => sensor !== undefined));
  assert.deepEqual(
    jsonOf(attic).flatMap(({ sensor }) => (sensor === undefined ? [] : [sensor])),
    ['attic'],
  );
});
