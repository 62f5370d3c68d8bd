import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { Cors } from '../../../../src/connect/rest/cors.ts';

const UI = 'https://ui.example.org';
const asked = (method: string, headers: Record<string, string>) => ({ method, headers }) as unknown as IncomingMessage;
const preflight = (origin: string) => asked('OPTIONS', { origin, 'access-control-request-method': 'PUT' });

test('pages that are configured may read answers, and no other', () => {
  const cors = new Cors([UI], ['GET', 'PUT']);
  assert.deepEqual(cors.fieldsFor(asked('GET', { origin: UI })), { vary: 'Origin', 'access-control-allow-origin': UI });
  for (const origin of ['https://evil.example.org', `${UI}.evil.example`, 'null', '*'])
    assert.deepEqual(cors.fieldsFor(asked('GET', { origin })), { vary: 'Origin' }, origin);
  assert.deepEqual(cors.fieldsFor(asked('GET', {})), { vary: 'Origin' });
  assert.deepEqual(new Cors([], ['GET']).fieldsFor(asked('GET', { origin: UI })), {});
  const every = new Cors(['*'], ['GET']).fieldsFor(asked('GET', { origin: 'null' }));
  assert.equal(every['access-control-allow-origin'], 'null');
});

test('a preflight is answered for those pages, with the methods that are configured', () => {
  const cors = new Cors([UI], ['GET', 'PUT']);
  assert.deepEqual(cors.preflight(preflight(UI)), {
    'access-control-allow-methods': 'GET, PUT',
    'access-control-allow-headers': 'Content-Type, Accept, X-Requested-With',
    'access-control-max-age': '1800',
  });
  assert.equal(cors.preflight(preflight('https://evil.example.org')), undefined);
  assert.equal(cors.preflight(asked('OPTIONS', { origin: UI })), undefined);
  assert.equal(cors.preflight(asked('GET', { origin: UI, 'access-control-request-method': 'PUT' })), undefined);
});
