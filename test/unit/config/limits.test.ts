import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../src/config/load.ts';
import { ConfigError } from '../../../src/config/problem/problem.ts';

/** Mistakes and doubts about settings of a listener and an endpoint, as `path  message`. */
async function foundIn(listener: object, endpoint: object = {}, more: object = {}): Promise<string[]> {
  const config = {
    log: { driver: 'embedded' },
    listeners: { public: { port: 1, ...listener } },
    endpoints: { words: { listener: 'public', path: '/ws', codec: 'json', direction: 'out', ...endpoint } },
    ...more,
  };
  try {
    const { warnings } = await loadConfig(config, { env: {}, production: null });
    return warnings.filter(({ severity }) => severity === 'warning').map(({ path, message }) => `${path}  ${message}`);
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ path, message }) => `${path}  ${message}`);
  }
}

test('limits that are right are taken, in any unit of time', async () => {
  const limits = { handshakes: '200/s', connections: 10, per_address: { connections: '50', handshakes: '5/m' } };
  const listener = { trusted_proxies: '10.0.0.0/8, ::1', proxy_protocol: 'v2', limits };
  assert.deepEqual(await foundIn(listener, { limits: { messages: '0.5/s', bytes: '1.5MiB/m', burst: '200ms' } }), []);
  assert.deepEqual(await foundIn({ proxy_protocol: false }), []);
});

test('limits that are not are refused, with what to write', async () => {
  for (const [listener, endpoint, mistake] of [
    [
      { limits: { handshakes: '200' } },
      {},
      /limits\.handshakes {2}"200" is not a limit; .* such as 50\/s or 100\/10s$/,
    ],
    [{ limits: { handshakes: '0/s' } }, {}, /"0\/s" is not a limit/],
    [{ limits: { handshakes: '5/d' } }, {}, /"5\/d" is not a limit/],
    [{}, { limits: { bytes: '64/s' } }, /limits\.bytes {2}"64\/s" is not a limit; .* such as 64KiB\/s or 10MiB\/m$/],
    [{}, { limits: { burst: '100ms' } }, /limits\.burst {2}expected at least 200ms$/],
    [{ limits: { handshake_timeout: '31s' } }, {}, /handshake_timeout {2}expected 100ms to 30s$/],
    [{ trusted_proxies: ['10.0.0.0/33'] }, {}, /trusted_proxies\[0\] {2}"10\.0\.0\.0\/33": what follows the \/ is/],
    [{ proxy_protocol: 'v3' }, {}, /proxy_protocol {2}expected off, v1, v2 or any/],
    [{}, { meta_headers: ['a b'] }, /meta_headers\[0\] {2}expected the name of a header/],
  ] as const)
    assert.match((await foundIn(listener, endpoint)).join('\n'), mistake);
});

test('a largest message that no bucket holds, and a Connect API for every page, are doubtful', async () => {
  const limits = (bytes: string, when_over: string) => ({ limits: { bytes, when_over }, max_payload: '1MiB' });
  assert.match(
    (await foundIn({}, limits('64KiB/s', 'close'))).join(),
    /a message of max_payload \(1MiB\) closes its client/,
  );
  assert.match(
    (await foundIn({}, limits('1KiB/s', 'slow'))).join(),
    /keeps its client from being read for 60 s and more/,
  );
  assert.deepEqual(await foundIn({}, limits('64KiB/s', 'slow')), []);
  assert.deepEqual(await foundIn({}, limits('1MiB/s', 'close')), []);
  const connect = (origin: string) => foundIn({}, {}, { connect: { access_control_allow_origin: [origin] } });
  assert.match((await connect('*')).join(), /access_control_allow_origin\[0\] {2}every page/);
  assert.deepEqual(await connect('https://ui.example.org'), []);
  for (const origin of ['self', 'https://*.example.org'])
    assert.match((await connect(origin)).join(), /write each origin/);
});
