import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { explainValidity, isUnknownAuthority } from '../../../core/certificate.ts';
import { asTidegateError } from '../../../core/errors.ts';
import type { KafkaSettings } from './schema.ts';

/** Codes of what TLS finds wrong, of OpenSSL and of Node. */
const OF_TLS = /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_)/;
/** The broker's own words for what it does not like, which mostly is our certificate. */
const ALERT = /:SSL routines:[^:]*:([^:]*alert[^:]*):/;
/** What Node says where the other side ends the connection early; its code is ECONNRESET, as for any other end. */
const ENDED = 'Client network socket disconnected before secure TLS';

/**
 * Gives TLS options for Node; undefined without TLS. The files are read again for each connection, so that a renewed
 * certificate counts without a restart; what cannot be read then stays as it was. Throws TG_CONFIG_INVALID where one cannot
 * be read at the start.
 */
export function tlsReader(ssl: KafkaSettings['ssl']): (() => ConnectionOptions) | undefined {
  if (ssl === false) return undefined;
  if (ssl === true) return () => ({});
  let options = readTls(ssl);
  return () => {
    try {
      options = readTls(ssl);
    } catch {
      // It may be half written at the moment; the connection reports it if the ones before do not work.
    }
    return options;
  };
}

function readTls(ssl: Exclude<KafkaSettings['ssl'], boolean>): ConnectionOptions {
  const file = (path: string | undefined) => {
    try {
      return path === undefined ? undefined : readFileSync(path);
    } catch (error) {
      throw asTidegateError(error, 'TG_CONFIG_INVALID', 'log.ssl');
    }
  };
  return {
    ca: file(ssl.ca),
    cert: file(ssl.cert),
    key: file(ssl.key),
    ...(ssl.servername === undefined ? {} : { servername: ssl.servername }),
    rejectUnauthorized: ssl.reject_unauthorized,
  };
}

/** Its errors name the broker, as those of TCP do. */
export function connectByTls(host: string, port: number, options: ConnectionOptions, connected: () => void): TLSSocket {
  const socket = connectWith({ host, port, ...(isIP(host) ? {} : { servername: host }), ...options }, connected);
  explainValidity(socket);
  socket.once('error', (error: NodeJS.ErrnoException) => {
    if (error.message.startsWith(ENDED)) {
      error.message = `${host}:${port} ended the connection before the TLS handshake was over; the broker may be starting, or this port may be without TLS: check log.ssl`;
      return;
    }
    if (!OF_TLS.test(error.code ?? '')) return;
    const alert = ALERT.exec(error.message)?.[1];
    const reason =
      alert === undefined ? `${error.message}${adviceOn(error)}` : `the broker refuses TLS (${alert}); check log.ssl`;
    error.message = `${host}:${port}: ${reason}`;
  });
  return socket;
}

/** What to do about a certificate that is not trusted, for another name, or none at all. */
function adviceOn(error: NodeJS.ErrnoException): string {
  const { code = '' } = error;
  if (isUnknownAuthority(error)) return '; name the authority that signed it in log.ssl.ca';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return '; connect by a name that is in the certificate, or set log.ssl.servername to one if that is right';
  return /WRONG_VERSION|PACKET_LENGTH|INVALID_RECORD/.test(code) ? '; this port may be without TLS: check log.ssl' : '';
}

/** Node throws at once where a certificate or a key is no PEM, or one does not belong to the other, and says no more. */
function connectWith(options: ConnectionOptions, connected: () => void): TLSSocket {
  try {
    return connect(options, connected);
  } catch (error) {
    throw new Error(`log.ssl cannot be used: ${(error as Error).message}`, { cause: error });
  }
}
