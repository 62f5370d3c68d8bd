import type { Command } from 'commander';
import { endingWith } from '../ending.ts';
import type { ShowOptions } from '../show.ts';

export function addShowCommand(program: Command): void {
  program
    .command('show')
    .summary('show the settings of a component, or of a section')
    .description(
      'Shows what a component does, its settings with their defaults, when a message fails in it, and examples; or the ' +
        'settings of a section by its path, such as pipelines.batch. A name of two kinds shows both.',
    )
    .argument('<name>', 'name of a component, or path of settings')
    .option('--config <file>', 'configuration, YAML, whose plugins may be shown, too')
    .action((name: string, options: ShowOptions) =>
      endingWith(async () => (await import('../show.ts')).show(name, options)),
    );
}
