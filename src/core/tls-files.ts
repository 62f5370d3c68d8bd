import { readFile } from 'node:fs/promises';
import type { RemoteTls } from './remote.ts';

/** Options of `tls.connect`. */
export interface TlsFiles {
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly servername?: string;
  readonly rejectUnauthorized?: boolean;
}

/** Rejects with an Error that names the file. */
export async function readTlsFiles({ ca, cert, key, servername, reject_unauthorized }: RemoteTls): Promise<TlsFiles> {
  const [caPem, certPem, keyPem] = await Promise.all([read('ca', ca), read('cert', cert), read('key', key)]);
  return {
    ...(caPem === undefined ? {} : { ca: caPem }),
    ...(certPem === undefined ? {} : { cert: certPem }),
    ...(keyPem === undefined ? {} : { key: keyPem }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized: reject_unauthorized,
  };
}

async function read(setting: string, path: string | undefined): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (error) {
    throw new Error(`tls.${setting}: ${(error as Error).message}`);
  }
}
