import type { PeerCertificate, TLSSocket } from 'node:tls';

/*
 * Node says of a certificate that has expired just that: not whose it is, since when, and not that the clock of the machine
 * may be wrong.
 */

type Chained = PeerCertificate & { readonly issuerCertificate?: Chained };

const EXPIRED = 'CERT_HAS_EXPIRED';
const TOO_EARLY = 'CERT_NOT_YET_VALID';

/** Has the error that a connection ends with say which certificate is out of date, and when it was not. */
export function explainValidity(socket: TLSSocket): void {
  let chain: Chained | undefined;
  // Node asks OpenSSL for its verdict when it hears this, and destroys the socket: the certificate can be read before that only.
  socket.prependOnceListener('secure', () => {
    chain = socket.getPeerCertificate(true) as Chained;
  });
  // In front of those who pass the error on.
  socket.prependOnceListener('error', (error: NodeJS.ErrnoException) => {
    if (error.code === EXPIRED || error.code === TOO_EARLY) error.message += validity(chain, error.code, Date.now());
  });
}

/** Whether an error says that this machine does not know the authority of a certificate; OpenSSL has several codes for it. */
export function isUnknownAuthority({ code }: NodeJS.ErrnoException): boolean {
  return /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(code ?? '');
}

/** Has the error that a connection ends with say how to trust a private authority. */
export function explainAuthority(socket: TLSSocket, advice: string): void {
  socket.prependOnceListener('error', (error: NodeJS.ErrnoException) => {
    if (isUnknownAuthority(error)) error.message += `; if its authority is a private one, ${advice}`;
  });
}

/** The first certificate of the chain, from the server's own on, that is out of date. */
function validity(chain: Chained | undefined, code: string, now: number): string {
  const seen = new Set<Chained>();
  for (let one = chain; one?.valid_to !== undefined && !seen.has(one); one = one.issuerCertificate) {
    seen.add(one);
    const [from, to] = [Date.parse(one.valid_from), Date.parse(one.valid_to)];
    const clock = `the clock of this machine says ${iso(now)}`;
    if (code === EXPIRED && to < now) return `: that of ${nameOf(one)} was valid until ${iso(to)}; ${clock}`;
    if (code === TOO_EARLY && from > now) return `: that of ${nameOf(one)} is valid from ${iso(from)} on; ${clock}`;
  }
  return '';
}

function nameOf({ subject }: PeerCertificate): string {
  return [subject?.CN].flat()[0] ?? 'the server';
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
