import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listenFault } from '../../../src/core/listen-fault.ts';

const fault = (code: string, port: number) => listenFault(Object.assign(new Error(`listen ${code}`), { code }), port);

test('a port that is used, or that only root may bind, is explained; other errors speak for themselves', () => {
  assert.equal(fault('EADDRINUSE', 443), 'another program uses it');
  assert.match(
    fault('EACCES', 443),
    /^only root may bind ports below 1024; .* net\.ipv4\.ip_unprivileged_port_start=443$/,
  );
  assert.equal(fault('EACCES', 1_024), 'listen EACCES');
  assert.equal(fault('EADDRNOTAVAIL', 443), 'listen EADDRNOTAVAIL');
});
