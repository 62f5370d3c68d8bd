import type { Command } from 'commander';
import { endingWith } from '../ending.ts';
import type { LogCheckOptions } from '../log-check.ts';

export function addLogCommand(program: Command): void {
  program
    .command('log')
    .summary('check the log that a gateway keeps without Kafka')
    .description('Looks after the embedded log.')
    .command('check')
    .summary('say what is whole in an embedded log that is not in use')
    .description(
      'Reads every record of an embedded log, changes nothing, and prints its topics, partitions and offsets, and what is ' +
        'damaged. The exit code is 0 where all is whole, 1 where something is damaged, and 2 where the log cannot be checked: ' +
        'it is in use, or there is none.',
    )
    .argument('[file]', 'configuration, YAML, whose log.embedded.path is the directory')
    .option('--data <directory>', 'directory of the log (default: that of the file, or ./data)')
    .action((file: string | undefined, options: LogCheckOptions) =>
      endingWith(async () => (await import('../log-check.ts')).checkLog(file, options)),
    );
}
