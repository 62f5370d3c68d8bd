import type { Command } from 'commander';
import { endingWith } from '../ending.ts';
import type { CreateOptions } from '../token.ts';

export function addTokenCommand(program: Command): void {
  const token = program
    .command('token')
    .summary('make and check tokens and password hashes for the section auth')
    .description('Tries out an entry of auth, without a gateway.');

  token
    .command('create')
    .summary('print a token that an entry of auth accepts')
    .description(
      'Prints a JSON Web Token, signed with the secret of the entry or with a private key. Issuer and audience are those of the ' +
        'entry unless a claim says otherwise. It is for trying out: in production an issuer makes the tokens.',
    )
    .argument('<file>', 'configuration, YAML')
    .requiredOption('--auth <name>', 'entry of auth')
    .option('--claim <claim>', 'name=text or name:=JSON; may be repeated', collected, [])
    .option('--expires <duration>', 'how long it is valid', '1h')
    .option('--key <file>', 'private key of the issuer, PEM')
    .option('--kid <id>', 'name of the key')
    .action((file: string, options: CreateOptions) =>
      endingWith(async () => (await import('../token.ts')).createToken(file, options)),
    );

  token
    .command('check')
    .summary('print the claims of the token on standard input, or why it is refused')
    .description('Checks a token as a gateway would. The exit code is 0 where it is accepted, and 1 where it is not.')
    .argument('<file>', 'configuration, YAML')
    .argument('<name>', 'entry of auth')
    .action((file: string, name: string) =>
      endingWith(async () => (await import('../token.ts')).checkToken(file, name)),
    );

  token
    .command('hash')
    .summary('print a hash of the password on standard input, for basic')
    .description('Prints a scrypt hash in the PHC format, which goes into auth.NAME.basic in place of the password.')
    .action(() => endingWith(async () => (await import('../token.ts')).hashPassword()));
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}
