import type { Command } from 'commander';
import { endingWith } from '../ending.ts';
import type { TapOptions } from '../tap/tap.ts';

export function addTapCommand(program: Command): void {
  program
    .command('tap')
    .summary('show messages of a running pipeline')
    .description(
      'Prints a sample of the messages that go through a pipeline of a running gateway, one a line, until Ctrl-C. It asks the ' +
        'admin port, which answers operators only: admin.auth, or callers on the same machine. The pipeline does not wait for it: ' +
        'what comes faster than it is shown is left out, and counted. A token comes from --token-file or TIDEGATE_TOKEN, a user ' +
        'and password from the URL.',
    )
    .argument('<pipeline>', 'name of the pipeline')
    .option('--at <place>', '0: behind its source, 1: behind its first processor ... (default: what its sink gets)')
    .option('--filter <expression>', 'only messages for which this is true, as in "json.total > 100"')
    .option('--limit <messages>', 'end after so many')
    .option('--rate <messages>', 'most messages a second (default: 100)')
    .option('--url <url>', 'admin port of the gateway', 'http://localhost:8080')
    .option('--token-file <file>', 'file with a token of an operator')
    .option('--json', 'print the JSON as it comes')
    .action((pipeline: string, options: TapOptions) =>
      endingWith(async () => (await import('../tap/tap.ts')).tap(pipeline, options)),
    );
}
