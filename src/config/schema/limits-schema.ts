import { z } from 'zod';
import { rangeMistake } from '../../core/address-ranges.ts';
import { HTTP_TIMEOUTS } from '../../core/http-timeouts.ts';
import * as field from '../../sdk/fields.ts';

/** Addresses and ranges of proxies. */
export const trustedProxies = () =>
  field
    .list()
    .superRefine((ranges, context) => {
      for (const [index, text] of ranges.entries()) {
        const message = rangeMistake(text);
        if (message !== undefined) context.addIssue({ code: 'custom', path: [index], message, input: text });
      }
    })
    .prefault([])
    .describe(
      'Proxies in front of the listener, by address or range such as 10.0.0.0/8. Of a peer that is one of them, X-Forwarded-For or Forwarded (RFC 7239) says the address of the client; of all others these headers are not read.',
    );

/** `off` is false for programs that read YAML 1.1. */
export const proxyProtocol = () =>
  z
    .preprocess(
      (value: unknown) => (value === false ? 'off' : value),
      z.enum(['off', 'v1', 'v2', 'any'], 'expected off, v1, v2 or any').meta({ type: ['string', 'boolean'] }),
    )
    .prefault('off')
    .describe(
      'Whether each connection begins with a header of the PROXY protocol, which says the address of the client, and in which version. A connection without it is cut, as is one that is not from trusted_proxies where those are given.',
    );

const perAddress = z.strictObject({
  connections: field.integer({ min: 1 }).optional().describe('Clients at a time; more are refused with 429.'),
  handshakes: field.quota().optional().describe('Handshakes in a time, such as 5/s; more are refused with 429.'),
});

const heads = z.strictObject({
  bytes: field
    .size()
    .refine((bytes) => bytes >= 1_024 && bytes <= 1_048_576, 'expected 1KiB to 1MiB')
    .prefault('16KiB')
    .describe('Bytes of the head of a request.'),
  count: field.integer({ min: 10, max: 1_000 }).prefault(100).describe('Headers of a request.'),
});

export const listenerLimits = () =>
  z
    .strictObject({
      handshakes: field
        .quota()
        .optional()
        .describe(
          'Handshakes of all clients together, such as 200/s; more are refused with 429 and come back after Retry-After.',
        ),
      connections: field.integer({ min: 1 }).optional().describe('Clients at a time; more are refused with 503.'),
      per_address: perAddress
        .prefault({})
        .describe('The same for each address of a client; an IPv6 address counts with its network of 64 bits.'),
      handshake_timeout: field
        .duration()
        .refine((milliseconds) => milliseconds >= 100 && milliseconds <= HTTP_TIMEOUTS.request, 'expected 100ms to 30s')
        .prefault('10s')
        .describe('Time from when a connection is accepted until the head of its request has come.'),
      headers: heads.prefault({}).describe('What a request may have in its head; a larger one is answered with 431.'),
    })
    .prefault({})
    .describe('What the listener takes of its clients. Without handshakes and connections there is no such limit.');

const perIdentity = z.strictObject({
  connections: field.integer({ min: 1 }).optional().describe('Clients at a time; more are refused with 429.'),
  messages: field.quota().optional().describe('Messages of all its clients together, such as 100/s.'),
  bytes: field.byteQuota().optional().describe('Bytes of all its clients together, such as 1MiB/s.'),
});

export const endpointLimits = () =>
  z
    .strictObject({
      messages: field.quota().optional().describe('Messages of one client, such as 50/s.'),
      bytes: field.byteQuota().optional().describe('Bytes of the messages of one client, such as 64KiB/s.'),
      burst: field
        .duration()
        .refine((milliseconds) => milliseconds >= 200, 'expected at least 200ms')
        .prefault('1s')
        .describe('How much of it may come at once: as much as in this time. One message always may.'),
      when_over: z
        .enum(['slow', 'close'])
        .prefault('slow')
        .describe(
          'What happens to a client that sends more. slow: its socket is read later. close: it is closed with 4429.',
        ),
      per_identity: perIdentity
        .prefault({})
        .describe('Limits of all clients together whose claim "sub" is the same on this gateway.'),
    })
    .prefault({})
    .describe('How much a client may send. There is no limit where it is left out.');
