import { z } from 'zod';
import * as field from './fields.ts';

/** The path of a file. */
export const certificatePath = () =>
  field
    .plainText()
    .refine((text) => !text.includes('\0'), 'a path cannot contain a NUL character')
    .meta(field.FILE);

/** Certificates of a connection that the gateway opens. */
export const tlsSettings = z.strictObject({
  ca: certificatePath()
    .optional()
    .describe('Path of a PEM file with the certificates to trust; by default those of the system.'),
  cert: certificatePath()
    .optional()
    .describe('Path of a PEM file with the client certificate, if the server asks for one.'),
  key: certificatePath().optional().describe('Path of a PEM file with the key of `cert`.'),
  servername: field.host().optional().describe('Server name to send (SNI) and to check the certificate against.'),
  reject_unauthorized: field
    .boolean()
    .prefault(true)
    .describe('If false, any certificate is accepted: for tests only.'),
});
