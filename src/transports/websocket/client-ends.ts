import { STATUS_CODES } from 'node:http';
import type { RemoteEnd } from '../../core/remote.ts';
import { displayUrl } from '../../core/secrets.ts';
import { formatSize } from '../../core/units.ts';

/* What went wrong with a dialled connection, in words: what happened, and what to do about it. */

const NO_CLOSING_FRAME = 1006;

const NOT_OFFERED = 'the server chose a subprotocol that was not offered; check protocols';

/** By the `code` of Node's errors. */
const NETWORK: Readonly<Record<string, string>> = {
  ENOTFOUND: 'there is no host with that name; check the url and DNS',
  EAI_AGAIN: 'the name of the host cannot be looked up at the moment; check DNS',
  ECONNREFUSED: 'nothing listens there; check host and port, and whether the server runs',
  ECONNRESET: 'the connection was cut before there was an answer',
  EHOSTUNREACH: 'there is no route to that host; check network and firewall',
  ENETUNREACH: 'there is no route to that network; check network and firewall',
  ETIMEDOUT: 'the host does not answer; check network and firewall',
  EPROTO: 'TLS failed; is this port one for wss://?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'TLS failed: the server answers without it; is this port one for ws://?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'TLS failed: the server answers without it; is this port one for ws://?',
  CERT_HAS_EXPIRED: 'TLS failed: the certificate of the server has expired',
  CERT_NOT_YET_VALID:
    'TLS failed: the certificate of the server is not valid yet; check the clock of this machine, and the certificate',
  ERR_TLS_CERT_ALTNAME_INVALID: 'TLS failed: the certificate is for another name; check the url, or set tls.servername',
};

/** Certificates that are not signed by an authority that we trust. */
const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
]);

const STATUS: Readonly<Record<number, string>> = {
  200: 'it speaks HTTP at this path and no WebSocket; check the url',
  400: 'it does not like the handshake; check the url, headers and protocols',
  401: 'it wants other credentials; check auth, headers and whether the token is still valid',
  403: 'the credentials do not allow this; check auth, headers and the rights of the token',
  404: 'there is nothing at this path; check the url',
  407: 'a proxy wants credentials; set them in proxy',
  426: 'it wants another version of the protocol',
  429: 'it was asked too often',
  502: 'a proxy in front of it does not reach it',
  503: 'it takes no connections at the moment',
  504: 'a proxy in front of it does not reach it in time',
};

/** By the message of ws, which has no codes for handshakes. */
const HANDSHAKE: Readonly<Record<string, string>> = {
  'Server sent a subprotocol but none was requested': NOT_OFFERED,
  'Server sent an invalid subprotocol': NOT_OFFERED,
};

/** There was no handshake. */
export function noConnection(thrown: unknown): RemoteEnd {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  return { kind: 'unreachable', code: NO_CLOSING_FRAME, reason: explain(error) };
}

/** The handshake was answered with a status that is not 101. */
export function answeredHandshake(status: number, location: string | undefined, url: string): RemoteEnd {
  const answer = `the server answers ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd();
  const isRedirect = status >= 300 && status < 400 && location !== undefined;
  const advice = isRedirect
    ? `it redirects to ${redirection(location, url)}, which is not followed; if that is right, set the url to it`
    : STATUS[status];
  return {
    kind: 'refused',
    code: NO_CLOSING_FRAME,
    reason: advice === undefined ? answer : `${answer}: ${advice}`,
  };
}

/** A connection that was open ended by an error. */
export function brokenConnection(error: NodeJS.ErrnoException, maxFrame: number): RemoteEnd {
  const { code = '', message } = error;
  if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
    const reason = `the server sent a message larger than max_frame (${formatSize(maxFrame)}); raise it if such messages are meant`;
    return { kind: 'too_big', code: 1009, reason };
  }
  if (code.startsWith('WS_ERR_'))
    return {
      kind: 'protocol',
      code: code === 'WS_ERR_INVALID_UTF8' ? 1007 : 1002,
      reason: `the server breaks the WebSocket protocol: ${message.replace(/^Invalid WebSocket frame: /, '')}`,
    };
  return { kind: 'broken', code: NO_CLOSING_FRAME, reason: `broken off: ${message}` };
}

function explain(error: NodeJS.ErrnoException & { errors?: readonly Error[] }): string {
  const fault = tlsFault(error.message);
  const code = fault === undefined ? (error.code ?? '') : `ERR_SSL_${fault.toUpperCase().replaceAll(' ', '_')}`;
  // Several addresses of a host were tried, and each failed.
  const message = fault ?? (error.message || error.errors?.map((each) => each.message).join(', ') || code);
  if (UNTRUSTED.has(code))
    return `TLS failed: the certificate of the server is not signed by an authority that is trusted here (${message}); set tls.ca`;
  const advice = NETWORK[code] ?? HANDSHAKE[message];
  if (advice !== undefined) return `${advice} (${message})`;
  if (code.startsWith('ERR_SSL') || code.startsWith('ERR_TLS') || code.startsWith('ERR_OSSL'))
    return `TLS failed: ${message}`;
  if (code.startsWith('HPE_')) return `what answers there does not speak HTTP; check host and port (${message})`;
  return message;
}

/** What OpenSSL calls it, in the several errors that Node wraps it in: `write EPROTO 80DC...:SSL routines:ssl3_get_record:wrong version number:...`. */
function tlsFault(message: string): string | undefined {
  return /:SSL routines:[^:]*:([^:]+):/.exec(message)?.[1];
}

function redirection(location: string, url: string): string {
  const target = URL.canParse(location, url) ? new URL(location, url).href : location;
  return displayUrl(target.replace(/^http/, 'ws'));
}
