import { Command, CommanderError } from 'commander';
import { endProcess } from '../core/process-end.ts';
import { VERSION } from '../version.ts';
import { standaloneOptions } from './connect.ts';
import { allowClosedReaders, drained } from './drain.ts';
import { lintFiles } from './lint.ts';
import { describeFailure } from './report.ts';
import { run } from './run.ts';

const EXAMPLES = `
Examples:
  $ tidegate run config/gateway.yaml                              messages are kept in ./data
  $ KAFKA_BROKERS=localhost:9092 tidegate run config/gateway.yaml the same on Kafka
  $ tidegate lint config/*.yaml                                   every mistake, with line and column
  $ tidegate connect standalone worker.properties feed.properties Kafka Connect's own files

Variables that \`run\` reads besides those of the configuration:
  LOG_LEVEL   debug, info (default), warn, error or silent
  DEBUG       scopes that say more, such as tidegate:* or tidegate:lane,tidegate:kafka`;

const OUTPUT = [process.stdout, process.stderr];

/** Milliseconds that a gateway which has stopped waits for a reader of its output that takes nothing. */
const PATIENCE = 5_000;

/** Does what the command line says, and ends the process: with `run` when the gateway has stopped. */
export async function main(): Promise<void> {
  try {
    await createProgram().parseAsync();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    // Help, the version, or a mistake in the command line; it is printed already.
    await end(error.exitCode);
  }
}

function createProgram(): Command {
  const program = new Command('tidegate')
    .exitOverride()
    .description('A gateway between WebSockets and Apache Kafka: one YAML file says what flows where.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print what a command does')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(tidegate --help says what there is)');

  program
    .command('run')
    .summary('run a gateway until it gets SIGTERM or SIGINT')
    .description(
      'Runs a gateway. On SIGTERM, SIGINT (Ctrl-C) or SIGHUP it delivers what is in flight and ends: exit code 0, or 1\n' +
        'where it had to give messages up. A second SIGTERM or SIGINT ends it at once. What only a person can mend ends it with 1, too: a\n' +
        'mistake in the configuration, a port that is taken, a topic that the log refuses.',
    )
    .argument('<file>', 'configuration, YAML')
    .action((file: string) => ending(() => run({ config: { file } }), PATIENCE));

  program
    .command('lint')
    .summary('check configurations and say what they do')
    .description(
      'Checks configurations without starting anything. Mistakes are printed as file:line:column  path  what is wrong;\n' +
        'the exit code is 1 where there are any. Variables are filled in from the environment, as they would be by run.',
    )
    .argument('<files...>', 'configurations, YAML')
    .action((files: string[]) => {
      allowClosedReaders(OUTPUT);
      return ending(() => lintFiles(files));
    });

  program
    .command('connect')
    .summary("run connectors from Kafka Connect's own files")
    .description('Runs connectors as Kafka Connect does.')
    .command('standalone')
    .summary('run the connectors of these files, for this gateway alone, until it gets SIGTERM or SIGINT')
    .description(
      "Runs connectors from the files that Kafka Connect's connect-standalone.sh takes, and serves its REST API. They are\n" +
        'shared with no other gateway. What they remember is kept beside offset.storage.file.filename.',
    )
    .argument('<worker>', 'properties of the worker: bootstrap.servers, offset.storage.file.filename ...')
    .argument('[connectors...]', 'connectors, a file each: properties or JSON')
    .action((worker: string, connectors: string[]) =>
      ending(() => run(standaloneOptions(worker, connectors, process.env)), PATIENCE),
    );

  return program;
}

/** Ends the process with what a command returns. */
async function ending(command: () => Promise<number>, patience?: number): Promise<void> {
  let code = 1;
  try {
    code = await command();
  } catch (error) {
    // Not by `console`, which `run` has turned into lines of the log.
    process.stderr.write(`${describeFailure(error, process.env)}\n`);
  }
  await end(code, patience);
}

/** Once everything that was printed is out. */
async function end(code: number, patience?: number): Promise<void> {
  await drained(OUTPUT, patience);
  setImmediate(() => void endProcess(code));
}
