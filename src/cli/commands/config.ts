import type { Command } from 'commander';
import type { EchoOptions } from '../config/echo.ts';
import type { EnvOptions } from '../config/env.ts';
import { endingWith } from '../ending.ts';

export function addConfigCommand(program: Command): void {
  const config = program
    .command('config')
    .summary('print defaults, variables, the schema, or what a file amounts to')
    .description('Prints what a configuration can have, and what one has.');

  config
    .command('default')
    .summary('print every setting with its default and what it means')
    .description('Prints a configuration, YAML, with every setting, its default and what it means. It passes `lint`.')
    .action(() => endingWith(async () => (await import('../config/default.ts')).printDefaults()));

  config
    .command('env')
    .summary('print the variables that a configuration reads')
    .description(
      'Prints the variables of the environment that a configuration reads, their defaults, their values now, and the ' +
        'settings that they fill. Values of secrets are not printed.',
    )
    .argument('<file>', 'configuration, YAML')
    .option('--json', 'print JSON')
    .action((file: string, options: EnvOptions) =>
      endingWith(async () => (await import('../config/env.ts')).printVariables(file, options)),
    );

  config
    .command('schema')
    .summary('print the JSON Schema of configurations, for editors')
    .description('Prints the JSON Schema (draft 2020-12) of configurations, which editors check YAML with.')
    .option('--config <file>', 'configuration, YAML, whose plugins are in the schema, too')
    .action((options: { readonly config?: string }) =>
      endingWith(async () => (await import('../config/schema.ts')).printSchema(options.config)),
    );

  config
    .command('echo')
    .summary('print what a configuration amounts to, and where each value came from')
    .description(
      'Prints the settings that count when a gateway runs with a configuration: variables are filled in and defaults added. ' +
        'Behind each is where it came from: a line of a file, a variable, or the default. Secrets are not printed.',
    )
    .argument('<file>', 'configuration, YAML')
    .option('--json', 'print JSON: path, value and from of each setting')
    .action((file: string, options: EchoOptions) =>
      endingWith(async () => (await import('../config/echo.ts')).echoConfig(file, options)),
    );
}
