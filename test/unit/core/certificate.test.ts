import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { explainAuthority, explainValidity } from '../../../src/core/certificate.ts';

const VALID = { valid_from: 'Jan  1 00:00:00 2020 GMT', valid_to: 'Jan  1 00:00:00 2099 GMT' };
const EXPIRED = { valid_from: 'Jan  1 00:00:00 2020 GMT', valid_to: 'Jan  1 00:00:00 2021 GMT' };
const FUTURE = { valid_from: 'Jan  1 00:00:00 2098 GMT', valid_to: 'Jan  1 00:00:00 2099 GMT' };

/** What the error of a connection says in the end. */
function explained(chain: object | undefined, code: string): string {
  const socket = Object.assign(new EventEmitter(), { getPeerCertificate: () => chain });
  explainValidity(socket as unknown as TLSSocket);
  const error = Object.assign(new Error('refused'), { code });
  socket.on('error', () => {});
  if (chain !== undefined) socket.emit('secure');
  socket.emit('error', error);
  return error.message;
}

/** One that is signed by itself, as roots are. */
function root(validity: object): object {
  const own: Record<string, unknown> = { ...validity, subject: { CN: 'root' } };
  own.issuerCertificate = own;
  return own;
}

const leaf = (validity: object, issuerCertificate?: object) => ({
  ...validity,
  subject: { CN: 'leaf' },
  issuerCertificate,
});

test('the certificate of the chain that is out of date is named, be it that of an authority', () => {
  assert.match(
    explained(leaf(VALID, root(EXPIRED)), 'CERT_HAS_EXPIRED'),
    /^refused: that of root was valid until 2021-01-01T00:00:00\.000Z; the clock of this machine says 20/,
  );
  assert.match(
    explained(leaf(EXPIRED, root(EXPIRED)), 'CERT_HAS_EXPIRED'),
    /^refused: that of leaf was valid until 2021/,
  );
  assert.match(
    explained(leaf(VALID, root(FUTURE)), 'CERT_NOT_YET_VALID'),
    /^refused: that of root is valid from 2098-/,
  );
});

test('an error stays as it is if no certificate is out of date, none was seen, or it has another cause', () => {
  assert.equal(explained(leaf(VALID, root(VALID)), 'CERT_HAS_EXPIRED'), 'refused');
  assert.equal(explained(leaf(FUTURE), 'CERT_HAS_EXPIRED'), 'refused');
  assert.equal(explained({}, 'CERT_HAS_EXPIRED'), 'refused');
  assert.equal(explained(undefined, 'CERT_HAS_EXPIRED'), 'refused');
  assert.equal(explained(leaf(EXPIRED), 'ECONNRESET'), 'refused');
});

test('a certificate of an unknown authority is explained; another error is left as it is', () => {
  const said = (code: string) => {
    const socket = new EventEmitter();
    explainAuthority(socket as unknown as TLSSocket, 'set the setting');
    const error = Object.assign(new Error('refused'), { code });
    socket.on('error', () => {}).emit('error', error);
    return error.message;
  };
  assert.equal(said('SELF_SIGNED_CERT_IN_CHAIN'), 'refused; if its authority is a private one, set the setting');
  assert.equal(said('ECONNRESET'), 'refused');
});
