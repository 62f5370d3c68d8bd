import { createHash, createHmac, createPrivateKey, type KeyObject, sign } from 'node:crypto';
import type { Node } from './jsonata-tree.ts';
import type { OwnFunction, OwnFunctions } from './own-functions.ts';

/** By their names in FIPS 180-4, also of HMAC (RFC 2104). */
const HASHES = ['sha256', 'sha384', 'sha512'];
/** How a signature is written, or a key, or bytes that are signed. */
const ENCODINGS = ['hex', 'base64', 'base64url'];
const INPUT_ENCODINGS = ['utf8', ...ENCODINGS];
/** The bytes before the 32 of a private key in PKCS #8 (RFC 8410 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * `$hmac(hash, secret, text, encoding, encodingOfSecret, encodingOfText)`: the signature of a text; hex by default. Secret and
 * text are used as they are, in UTF-8, or are bytes that are written in that encoding. Without one of its values it has none.
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
    const key = bytesOf(secret, secretEncoding, '$hmac', 'encoding of the secret');
    const signed = bytesOf(text, textEncoding, '$hmac', 'encoding of the text');
    return createHmac(hash, key).update(signed).digest(encodingOf(encoding, '$hmac'));
  },
  check: (inputs) => {
    const [hash, secret, , encoding, secretEncoding, textEncoding] = inputs;
    if (inputs.length < 3 || inputs.length > 6)
      throw new Error('write $hmac(hash, secret, text); encodings of result, secret and text may follow');
    literalOf(hash, HASHES, '$hmac', 'hash');
    refuseLiteral(secret, '$hmac');
    literalOf(encoding, ENCODINGS, '$hmac', 'encoding');
    literalOf(secretEncoding, INPUT_ENCODINGS, '$hmac', 'encoding of the secret');
    literalOf(textEncoding, INPUT_ENCODINGS, '$hmac', 'encoding of the text');
  },
};

/** `$hash(hash, text, encoding, encodingOfText)`: the hash of a text; hex by default. */
const hashed: OwnFunction = {
  signature: '<sss?s?:s>',
  implementation: (hash?: string, text?: string, encoding = 'hex', textEncoding = 'utf8') => {
    if (hash === undefined || text === undefined) return undefined;
    oneOf(HASHES, hash, '$hash', 'hash');
    const bytes = bytesOf(text, textEncoding, '$hash', 'encoding of the text');
    return createHash(hash).update(bytes).digest(encodingOf(encoding, '$hash'));
  },
  check: (inputs) => {
    const [hash, , encoding, textEncoding] = inputs;
    if (inputs.length < 2 || inputs.length > 4)
      throw new Error('write $hash(hash, text); encodings of result and text may follow');
    literalOf(hash, HASHES, '$hash', 'hash');
    literalOf(encoding, ENCODINGS, '$hash', 'encoding');
    literalOf(textEncoding, INPUT_ENCODINGS, '$hash', 'encoding of the text');
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
  check: (inputs) => {
    const [key, , encoding] = inputs;
    if (inputs.length < 2 || inputs.length > 3)
      throw new Error('write $ed25519(key, text, encoding); encoding may be left out');
    refuseLiteral(key, '$ed25519');
    literalOf(encoding, ENCODINGS, '$ed25519', 'encoding');
  },
};

/** For expressions of a connect and of answers to a server: their errors are shown without secrets. */
export const SIGNING: OwnFunctions = { hmac, hash: hashed, ed25519 };

function encodingOf(encoding: string, name: string): 'hex' | 'base64' | 'base64url' {
  oneOf(ENCODINGS, encoding, name, 'encoding');
  return encoding as 'hex' | 'base64' | 'base64url';
}

function bytesOf(text: string, encoding: string, name: string, what: string): Buffer {
  oneOf(INPUT_ENCODINGS, encoding, name, what);
  return Buffer.from(text, encoding as BufferEncoding);
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
