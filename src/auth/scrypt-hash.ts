import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** `$scrypt$ln=15,r=8,p=1$salt$hash`, the PHC format: salt and hash are base64 without `=`. */
export interface ScryptHash {
  readonly options: ScryptOptions;
  readonly salt: Buffer;
  readonly hash: Buffer;
}

const FORMAT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
/** Bytes that one hash may take while it is computed. */
const MAX_MEMORY = 128 * 1024 * 1024;
/** 32 MiB, and about a tenth of a second. */
const OWN = { ln: 15, r: 8, p: 1 };
const OWN_BYTES = { salt: 16, hash: 32 };

export function isHash(text: string): boolean {
  return text.startsWith('$');
}

/** Throws an Error that does not quote the text. */
export function readHash(text: string): ScryptHash {
  const [, ln, r, p, salt = '', hash = ''] = FORMAT.exec(text) ?? [];
  if (hash === '')
    throw new Error(
      'this is not a hash of the form $scrypt$ln=15,r=8,p=1$salt$hash; make one with tidegate token hash',
    );
  const parsed = { options: optionsOf(Number(ln), Number(r), Number(p)), salt: bytes(salt), hash: bytes(hash) };
  if (
    Number(ln) < 10 ||
    Number(r) < 1 ||
    Number(p) < 1 ||
    Number(p) > 16 ||
    parsed.salt.length < 8 ||
    parsed.hash.length < 16
  )
    throw new Error('its cost, salt or hash is too small; make one with tidegate token hash');
  if (128 * 2 ** Number(ln) * Number(r) > MAX_MEMORY)
    throw new Error('it takes more than 128 MiB; use ln=17,r=8 at most');
  return parsed;
}

export async function isPassword(password: string, { options, salt, hash }: ScryptHash): Promise<boolean> {
  return timingSafeEqual(await derive(password, salt, hash.length, options), hash);
}

export async function makeHash(password: string): Promise<string> {
  const { ln, r, p } = OWN;
  const salt = randomBytes(OWN_BYTES.salt);
  const hash = await derive(password, salt, OWN_BYTES.hash, optionsOf(ln, r, p));
  return `$scrypt$ln=${ln},r=${r},p=${p}$${text(salt)}$${text(hash)}`;
}

function optionsOf(ln: number, r: number, p: number): ScryptOptions {
  // Node counts a little beside the blocks themselves.
  return { N: 2 ** ln, r, p, maxmem: MAX_MEMORY + 1_048_576 };
}

function derive(password: string, salt: Buffer, length: number, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password, salt, length, options, (error, hash) => (error === null ? resolve(hash) : reject(error)));
  });
}

function bytes(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}

function text(part: Buffer): string {
  return part.toString('base64').replace(/=+$/, '');
}
