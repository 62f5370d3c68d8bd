import { type PeerCertificate, TLSSocket } from 'node:tls';

/** The certificate by which the client of a connection is known; undefined where it has shown none, or none that was verified. */
export function clientCertificate(socket: object): PeerCertificate | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // Node also calls a client authorized that resumes a session without a certificate (TLS 1.3).
  return hasCertificate(socket) ? socket.getPeerCertificate() : undefined;
}

export function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}
