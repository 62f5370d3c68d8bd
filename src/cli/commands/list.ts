import { Argument, type Command } from 'commander';
import { endingWith } from '../ending.ts';
import type { ListOptions } from '../list.ts';

export function addListCommand(program: Command): void {
  program
    .command('list')
    .summary('list the components that a configuration may name')
    .description('Lists sources, processors, operators, sinks and codecs with what each does. `show` says more of one.')
    .addArgument(
      new Argument('[kind]', 'of this kind only').choices(['sources', 'processors', 'operators', 'sinks', 'codecs']),
    )
    .option('--config <file>', 'configuration, YAML, whose plugins are listed, too')
    .option('--json', 'print JSON')
    .action((kind: string | undefined, options: ListOptions) =>
      endingWith(async () => (await import('../list.ts')).listComponents(kind, options)),
    );
}
