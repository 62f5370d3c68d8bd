import type { IncomingMessage } from 'node:http';
import { plainAddress } from '../core/client-address.ts';
import { clientCertificate } from '../core/client-certificate.ts';
import type { Authenticator, Credentials } from '../core/identity.ts';
import { repeatedIn } from '../core/repeated.ts';

/** Why a request is not answered. `challenge`: value of WWW-Authenticate. */
export interface GuardRefusal {
  readonly status: 401 | 403 | 503;
  readonly reason: string;
  readonly message: string;
  readonly challenge?: string | undefined;
}

/** Callers that may use a port without an identity, while none is configured: those of this machine, or all that reach it. */
export type OpenTo = 'loopback' | 'everyone';

const LOOPBACK = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$|^::1$/;

/** Lets operators in. */
export class Guard {
  private readonly authenticator: Authenticator | undefined;
  private readonly openTo: OpenTo;
  private readonly setting: string;

  /** `section`: of the configuration, admin or connect. */
  constructor(section: string, authenticator: Authenticator | undefined, openTo: OpenTo) {
    this.setting = `${section}.auth`;
    this.authenticator = authenticator;
    this.openTo = openTo;
  }

  /** undefined for a caller that is let in. Never rejects. */
  async refusal(request: IncomingMessage): Promise<GuardRefusal | undefined> {
    if (this.authenticator === undefined) return this.addressRefusal(request);
    const identified = await this.authenticator.identify(credentialsOf(request));
    return 'refusal' in identified ? identified.refusal : undefined;
  }

  private addressRefusal({ socket }: IncomingMessage): GuardRefusal | undefined {
    if (this.openTo === 'everyone' || LOOPBACK.test(socket.remoteAddress ?? '')) return undefined;
    const message = `this answers to callers on the same machine alone while ${this.setting} is not set`;
    return { status: 403, reason: 'remote', message };
  }
}

function credentialsOf(request: IncomingMessage): Credentials {
  const { headers, url = '', socket } = request;
  const [, query = ''] = url.split('?', 2);
  const certificate = clientCertificate(socket);
  return {
    headers,
    query: Object.fromEntries(new URLSearchParams(query)),
    repeated: repeatedIn(request),
    ...(certificate === undefined ? {} : { certificate }),
    address: plainAddress(socket.remoteAddress ?? '') ?? '',
  };
}

/** Headers of an answer that asks for credentials. */
export function challengeHeaders({ challenge }: GuardRefusal): Record<string, string> {
  return challenge === undefined ? {} : { 'www-authenticate': challenge };
}
