import type { Command } from 'commander';
import { endingAtSignal } from '../ending.ts';

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .summary('run a gateway until it gets SIGTERM or SIGINT')
    .description(
      'Runs a gateway. On SIGTERM, SIGINT (Ctrl-C) or SIGHUP it delivers in-flight messages and ends: exit code 0, ' +
        'or 1 if it had to give messages up. A second SIGTERM or SIGINT ends it at once. Errors that need the operator end it ' +
        'with exit code 1 and a message: an invalid configuration, a port in use, a topic that the log refuses.',
    )
    .argument('<file>', 'configuration, YAML')
    .action((file: string) => endingAtSignal(async () => (await import('../run.ts')).run({ config: { file } })));
}
