import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ProtocolErrors } from '../../../../src/actors/endpoint/protocol-errors.ts';
import { HandClock } from '../../core/hand-clock.ts';
import { keptLogger } from '../rig.ts';

test('clients that break the protocol are logged once a minute and code, with their number', () => {
  const clock = new HandClock();
  const { logger, lines, warnings } = keptLogger();
  const errors = new ProtocolErrors('rooms', clock, logger);
  const add = (code: number) => errors.add({ client_id: 'c', remote: '192.0.2.1' }, code, 'reserved bits');
  add(1002);
  add(1009);
  add(1002);
  add(1002);
  assert.deepEqual(warnings(), [
    'a client of rooms broke the WebSocket protocol and is closed with 1002: reserved bits',
    'a client of rooms broke the WebSocket protocol and is closed with 1009: reserved bits; raise max_payload of the endpoint if clients need it',
  ]);
  assert.deepEqual(lines[0]?.facts, { client_id: 'c', remote: '192.0.2.1', code: 1002, count: 1 });
  clock.advance(60_000);
  add(1002);
  assert.equal(
    warnings().at(-1),
    'a client of rooms broke the WebSocket protocol and is closed with 1002: reserved bits; 3 were closed with 1002 since the last such line',
  );
  assert.deepEqual(lines.at(-1)?.facts, { client_id: 'c', remote: '192.0.2.1', code: 1002, count: 3 });
});
