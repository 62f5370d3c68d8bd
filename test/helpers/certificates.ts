import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Issued {
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

export interface Subject {
  readonly name: string;
  /** As openssl has them: `DNS:localhost`, `IP:127.0.0.1`. */
  readonly names?: string;
  readonly days?: number;
  readonly rsa?: boolean;
}

const LOCAL = 'DNS:localhost,IP:127.0.0.1';

/** An authority of a test, which makes certificates with openssl. */
export class Authority {
  readonly cert: string;
  private readonly folder: string;
  private made = 0;

  constructor(t: { after(cleanup: () => void): void }, name = 'Test CA') {
    this.folder = mkdtempSync(join(tmpdir(), 'tidegate-ca-'));
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
    this.openssl('req', '-x509', ...newKey('ca.key'), '-out', 'ca.pem', '-days', '30', '-subj', `/CN=${name}`);
    this.cert = this.read('ca.pem');
  }

  /** Path of the certificate of the authority. */
  get file(): string {
    return join(this.folder, 'ca.pem');
  }

  issue({ name, names = LOCAL, days = 30, rsa = false }: Subject): Issued {
    this.made += 1;
    const file = String(this.made);
    const extensions = ['-addext', `subjectAltName=${names}`, '-addext', 'basicConstraints=critical,CA:FALSE'];
    this.openssl(
      ...['req', '-x509', '-CA', 'ca.pem', '-CAkey', 'ca.key', ...newKey(`${file}.key`, rsa), '-out', `${file}.pem`],
      ...['-days', String(days), '-subj', `/CN=${name}/O=Test`, ...extensions],
    );
    return { cert: this.read(`${file}.pem`), key: this.read(`${file}.key`) };
  }

  private openssl(...args: string[]): void {
    execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'ignore', 'pipe'] });
  }

  private read(file: string): string {
    return readFileSync(join(this.folder, file), 'utf8');
  }
}

function newKey(file: string, rsa = false): string[] {
  const kind = rsa ? ['-newkey', 'rsa:2048'] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  return [...kind, '-noenc', '-keyout', file];
}

/** A folder with the files of a certificate, which a test may change as operators do. */
export class CertificateFolder {
  readonly folder: string;

  constructor(t: { after(cleanup: () => void): void }) {
    this.folder = mkdtempSync(join(tmpdir(), 'tidegate-tls-'));
    t.after(() => rmSync(this.folder, { recursive: true, force: true }));
  }

  get settings(): { cert: string; key: string } {
    return { cert: this.path('tls.crt'), key: this.path('tls.key') };
  }

  path(file: string): string {
    return join(this.folder, file);
  }

  write({ cert, key }: Partial<Issued>): void {
    if (cert !== undefined) writeFileSync(this.path('tls.crt'), cert);
    if (key !== undefined) writeFileSync(this.path('tls.key'), key);
  }
}
