import type { IncomingMessage, Server } from 'node:http';
import { MAX_HEAD } from '../../core/http-timeouts.ts';

/** Of the head of a request: bytes, request line and all, and number of headers. */
export interface HeadLimits {
  readonly bytes: number;
  readonly count: number;
}

export const HEAD_LIMITS: HeadLimits = { bytes: MAX_HEAD, count: 100 };

/** Node leaves out headers beyond a number, and what decides about a request may be among those: it reads one more than is let in. */
export function readHeaders(server: Server, { count }: HeadLimits): void {
  server.maxHeadersCount = count + 1;
}

/** What is wrong with the head of a request, for 431 (RFC 6585 5); undefined for nothing. */
export function headMistake({ rawHeaders }: IncomingMessage, { count }: HeadLimits): string | undefined {
  // Names and values by turns.
  return rawHeaders.length <= 2 * count ? undefined : `the request has more than ${count} headers`;
}
