import type { Command } from 'commander';
import { endingAtSignal } from '../ending.ts';

export function addRunCommand(program: Command): void {
  program
    .command('run')
    .summary('run a gateway until it gets SIGTERM or SIGINT')
    .description(
      'Runs a gateway. On SIGTERM or SIGINT (Ctrl-C) it delivers in-flight messages and ends: exit code 0,\n' +
        'or 1 if it had to give messages up. A second SIGTERM or SIGINT ends it at once. Errors that need the operator end it\n' +
        'with exit code 1 and a message: an invalid configuration, a port in use, a topic that the log refuses.\n' +
        'On SIGHUP, on POST /-/reload at the admin port, and with --watch when the file changes, it reads the configuration\n' +
        'again and changes what differs, while everything else runs on.',
    )
    .argument('<file>', 'configuration, YAML')
    .option('--watch', 'read the configuration again when its file changes')
    .action((file: string, { watch = false }: { watch?: boolean }) =>
      endingAtSignal(async () => (await import('../run.ts')).run({ config: { file } }, watch)),
    );
}
