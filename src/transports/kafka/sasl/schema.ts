import { z } from 'zod';
import * as field from '../../../sdk/fields.ts';

const oauthbearer = z
  .strictObject({
    token_endpoint: field
      .url({ schemes: ['https', 'http'], example: 'https://id.example.com/oauth2/token' })
      .optional()
      .describe('URL that gives tokens for client_id and client_secret (OAuth 2.0, client credentials).'),
    client_id: z.string().optional().describe('Name of this gateway at token_endpoint.'),
    client_secret: z.string().meta(field.SECRET).optional().describe('Its secret, as in "${KAFKA_CLIENT_SECRET}".'),
    scope: z.string().optional().describe('Scopes to ask for, with spaces between them.'),
    ca: z
      .string()
      .meta(field.FILE)
      .optional()
      .describe(
        'Path of a PEM file with the authorities that verify token_endpoint; those of the system where left out.',
      ),
    token_file: z
      .string()
      .meta(field.FILE)
      .optional()
      .describe('Path of a file with a token, which another program renews; read for each authentication.'),
    command: z
      .union(
        [z.string().min(1), z.array(z.string()).min(1)],
        'expected a command line, or a list of program and arguments',
      )
      .optional()
      .describe(
        'Program that prints a token, such as one that signs in with AWS: text is run by the shell, a list without a shell. It has 4 seconds.',
      ),
    extensions: field
      .byName(z.string())
      .prefault({})
      .describe('SASL extensions (RFC 7628 3.1), such as logicalCluster for Confluent Cloud.'),
  })
  .superRefine((given, context) => {
    const fail = (message: string, path: string[] = []) =>
      context.addIssue({ code: 'custom', message, path, input: given });
    const ways = [given.token_endpoint, given.token_file, given.command].filter((way) => way !== undefined);
    if (ways.length !== 1) fail('expected one of token_endpoint, token_file and command');
    for (const name of ['client_id', 'client_secret'] as const)
      if (given.token_endpoint !== undefined && given[name] === undefined) fail('token_endpoint needs it', [name]);
    // Letters as the name, and nothing that ends a value.
    for (const [name, value] of Object.entries(given.extensions))
      if (name === 'auth' || !/^[A-Za-z]+$/.test(name) || !/^[\x20-\x7e\t\r\n]*$/.test(value))
        fail('expected a name of letters other than auth, and printable text', ['extensions', name]);
  });

/** Authentication at the brokers. */
export const saslSchema = z
  .strictObject({
    mechanism: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])
      .describe('Authentication mechanism. AWS MSK IAM is oauthbearer with a command.'),
    username: z.string().optional().describe('Of plain and scram.'),
    password: z.string().meta(field.SECRET).optional().describe('Of plain and scram.'),
    oauthbearer: oauthbearer.optional().describe('Where the tokens of oauthbearer come from.'),
  })
  .superRefine((given, context) => {
    const { mechanism } = given;
    const isOauth = mechanism === 'oauthbearer';
    const needed = isOauth ? (['oauthbearer'] as const) : (['username', 'password'] as const);
    const unused = isOauth ? (['username', 'password'] as const) : (['oauthbearer'] as const);
    for (const name of needed)
      if (given[name] === undefined)
        context.addIssue({ code: 'custom', message: `${mechanism} needs it`, path: [name], input: given });
    for (const name of unused)
      if (given[name] !== undefined)
        context.addIssue({ code: 'custom', message: `${mechanism} does not use it`, path: [name], input: given });
  });

export type SaslSettings = z.output<typeof saslSchema>;
export type OauthSettings = z.output<typeof oauthbearer>;
