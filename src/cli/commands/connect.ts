import type { Command } from 'commander';
import { endingAtSignal } from '../ending.ts';

export function addConnectCommand(program: Command): void {
  program
    .command('connect')
    .summary("run connectors from Kafka Connect's own files")
    .description('Runs connectors as Kafka Connect does.')
    .command('standalone')
    .summary('run the connectors of these files, for this gateway alone, until it gets SIGTERM or SIGINT')
    .description(
      "Runs connectors from the files that Kafka Connect's connect-standalone.sh takes, and serves its REST API. They are " +
        'shared with no other gateway. What they remember is kept beside offset.storage.file.filename.',
    )
    .argument('<worker>', 'properties of the worker: bootstrap.servers, offset.storage.file.filename ...')
    .argument('[connectors...]', 'connectors, a file each: properties or JSON')
    .action((worker: string, connectors: string[]) =>
      endingAtSignal(async () => {
        const [{ run }, { standaloneOptions }] = await Promise.all([import('../run.ts'), import('../connect.ts')]);
        return run(standaloneOptions(worker, connectors, process.env));
      }),
    );
}
