import { createHash, createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { Node } from './jsonata-tree.ts';
import type { OwnFunction, OwnFunctions } from './own-functions.ts';

/** Hashes, also of HMAC (RFC 2104, FIPS 180-4). */
const HASHES = ['sha256', 'sha384', 'sha512'];
/** How a signature is written, or a key. */
const ENCODINGS = ['hex', 'base64', 'base64url'];
const KEY_ENCODINGS = ['utf8', ...ENCODINGS];
/** The bytes before the 32 of a private key in PKCS #8 (RFC 8410 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * `$hmac(hash, secret, text, encoding, encodingOfSecret, encodingOfText)`: the signature of a text; hex by default. Secret and
 * text are used as they are, in UTF-8, unless they are said to be written otherwise. Without one of its values it has no value.
 */
const hmac: OwnFunction = {
  signature: '<ssss?s?s?:s>',
  implementation: (
    hash?: string,
    secret?: string,
    text?: string,
    encoding = 'hex',
    secretEncoding = 'utf8',
    textEncoding = 'utf8',
  ) => {
    if (hash === undefined || secret === undefined || text === undefined) return undefined;
    oneOf(HASHES, hash, '$hmac', 'hash');
    oneOf(KEY_ENCODINGS, secretEncoding, '$hmac', 'encoding of the secret');
    oneOf(KEY_ENCODINGS, textEncoding, '$hmac', 'encoding of the text');
    const key = Buffer.from(secret, secretEncoding as BufferEncoding);
    const bytes = Buffer.from(text, textEncoding as BufferEncoding);
    return createHmac(hash, key).update(bytes).digest(encodingOf(encoding, '$hmac'));
  },
  check: ([hash, secret, , encoding, secretEncoding, textEncoding]) => {
    literalOf(hash, HASHES, '$hmac', 'hash');
    refuseLiteral(secret, '$hmac');
    literalOf(encoding, ENCODINGS, '$hmac', 'encoding');
    literalOf(secretEncoding, KEY_ENCODINGS, '$hmac', 'encoding of the secret');
    literalOf(textEncoding, KEY_ENCODINGS, '$hmac', 'encoding of the text');
  },
};

/** `$hash(hash, text, encoding)`: of a text as UTF-8; hex by default. Without one of its values it has no value. */
const hash: OwnFunction = {
  signature: '<sss?:s>',
  implementation: (name?: string, text?: string, encoding = 'hex') => {
    if (name === undefined || text === undefined) return undefined;
    oneOf(HASHES, name, '$hash', 'hash');
    return createHash(name).update(text, 'utf8').digest(encodingOf(encoding, '$hash'));
  },
  check: ([name, , encoding]) => {
    literalOf(name, HASHES, '$hash', 'hash');
    literalOf(encoding, ENCODINGS, '$hash', 'encoding');
  },
};

/**
 * `$ed25519(key, text, encoding)`: the signature (RFC 8032) of a text as UTF-8; base64 by default. The key is PEM (PKCS #8),
 * where a line may also end with the characters `\n`, or its 32 bytes in hex or Base64.
 */
const ed25519: OwnFunction = {
  signature: '<sss?:s>',
  implementation: (key?: string, text?: string, encoding = 'base64') => {
    if (key === undefined || text === undefined) return undefined;
    return sign(null, Buffer.from(text, 'utf8'), keyOf(key)).toString(encodingOf(encoding, '$ed25519'));
  },
  check: ([key, , encoding]) => {
    refuseLiteral(key, '$ed25519');
    literalOf(encoding, ENCODINGS, '$ed25519', 'encoding');
  },
};

/** For expressions of a connect and of answers to a server: their errors are shown without secrets. */
export const SIGNING: OwnFunctions = { hash, hmac, ed25519 };

function encodingOf(encoding: string, name: string): 'hex' | 'base64' | 'base64url' {
  oneOf(ENCODINGS, encoding, name, 'encoding');
  return encoding as 'hex' | 'base64' | 'base64url';
}

/** Does not quote what was given: it may be the secret, in the wrong place. */
function oneOf(known: readonly string[], given: string, name: string, what: string): void {
  if (!known.includes(given)) throw new Error(`the ${what} of ${name} is not one of ${known.join(', ')}`);
}

/** Throws an Error that shows nothing of the key. */
function keyOf(text: string): KeyObject {
  let key: KeyObject;
  try {
    key = text.includes('-----BEGIN')
      ? createPrivateKey(text.replaceAll('\\n', '\n'))
      : createPrivateKey({ key: derOf(text.trim()), format: 'der', type: 'pkcs8' });
  } catch {
    throw new Error('the key of $ed25519 is neither PEM (PKCS #8) without a password nor 32 bytes in hex or Base64');
  }
  if (key.asymmetricKeyType === 'ed25519') return key;
  throw new Error(`the key of $ed25519 is one for ${key.asymmetricKeyType ?? 'something else'}`);
}

function derOf(text: string): Buffer {
  const bytes = Buffer.from(text, /^[\da-f]{64}$/i.test(text) ? 'hex' : 'base64');
  return bytes.length === 32 ? Buffer.concat([PKCS8, bytes]) : bytes;
}

function literalOf(node: Node | undefined, known: readonly string[], name: string, what: string): void {
  if (node?.type === 'string') oneOf(known, String(node.value), name, what);
}

/** A secret in an expression would be in each error that quotes the expression. */
function refuseLiteral(node: Node | undefined, name: string): void {
  if (node?.type !== 'string') return;
  throw new Error(`the key of ${name} is written here; write it in secrets, and \${! meta.secrets.NAME } here`);
}
