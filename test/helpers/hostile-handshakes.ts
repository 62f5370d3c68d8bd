import fc from 'fast-check';

/* Requests that are nearly WebSocket handshakes (RFC 6455 4.1). */

const token = fc.string({ unit: fc.constantFrom(..."abcXYZ019-_.~!#$%&'*+^`|"), maxLength: 10 });
const path = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('/raw', '/json', '/envelope', '/topics', '/rooms', '/chat/ann') },
  fc.string({ unit: fc.constantFrom(...'/ab.%20{}?#&=;@:\\"<>'), maxLength: 20 }).map((text) => `/${text}`),
  fc.constantFrom(
    '/chat/%00',
    '/chat/%',
    '/raw/../json',
    '*',
    '//',
    '/raw?a=%zz',
    `/${'a'.repeat(3_000)}`,
    'http://h/raw',
  ),
);
const pick = (usual: string, ...others: string[]) =>
  fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) }, token);

/** The bytes of one request. */
export const hostileHandshake: fc.Arbitrary<Buffer> = fc
  .record({
    method: fc.oneof(
      { weight: 9, arbitrary: fc.constant('GET') },
      fc.constantFrom('POST', 'HEAD', 'CONNECT', 'get', ''),
    ),
    path,
    version: fc.oneof(
      { weight: 9, arbitrary: fc.constant('HTTP/1.1') },
      fc.constantFrom('HTTP/1.0', 'HTTP/2.0', 'HTTP', ''),
    ),
    host: pick('localhost', '', 'a b', 'evil.example:99999'),
    connection: pick('Upgrade', 'keep-alive, Upgrade', 'close', ''),
    upgrade: pick('websocket', 'WebSocket', 'h2c', ''),
    wsVersion: pick('13', '8', '12', ''),
    key: pick('dGhlIHNhbXBsZSBub25jZQ==', 'short', '', '='.repeat(24)),
    protocols: fc.option(pick('a, b', ',', 'a b', 'a,a', 'x'.repeat(500))),
    origin: fc.option(pick('http://localhost', 'null', 'https://evil.example', 'http://')),
    extra: fc.array(fc.tuple(token, fc.string({ unit: 'grapheme-ascii', maxLength: 30 })), { maxLength: 4 }),
    newline: fc.oneof({ weight: 15, arbitrary: fc.constant('\r\n') }, fc.constantFrom('\n', '\r', '\r\n ')),
    twice: fc.constantFrom(false, false, false, false, true),
    body: fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.string({ maxLength: 40 })),
    cut: fc.oneof({ weight: 12, arbitrary: fc.constant(1) }, fc.double({ min: 0, max: 1, noNaN: true })),
  })
  .map((parts) => {
    const optional = (header: string, value: string | null) => (value === null ? [] : [`${header}: ${value}`]);
    const lines = [
      `${parts.method} ${parts.path} ${parts.version}`,
      `Host: ${parts.host}`,
      `Connection: ${parts.connection}`,
      `Upgrade: ${parts.upgrade}`,
      `Sec-WebSocket-Version: ${parts.wsVersion}`,
      `Sec-WebSocket-Key: ${parts.key}`,
      ...optional('Sec-WebSocket-Protocol', parts.protocols),
      ...optional('Origin', parts.origin),
      ...parts.extra.map(([header, value]) => `${header}: ${value}`),
    ];
    const head = `${lines.join(parts.newline)}${parts.newline}${parts.newline}`;
    const whole = Buffer.from(`${head}${parts.twice ? head : ''}${parts.body}`, 'latin1');
    return whole.subarray(0, Math.ceil(whole.length * parts.cut));
  });
