import { Command, CommanderError } from 'commander';
import { endProcess } from '../core/process-end.ts';
import { VERSION } from '../version.ts';
import { allowClosedReaders, drained } from './drain.ts';
import type { LintOptions } from './lint.ts';
import type { LogCheckOptions } from './log-check.ts';
import type { CreateOptions } from './token.ts';

/*
 * What a command needs is loaded with it: the modules of a gateway take a second of a slow CPU, and the version, the help and
 * a typing error do not wait for them.
 */

const EXAMPLES = `
Examples:
  $ tidegate run config/gateway.yaml                              messages are kept in ./data
  $ KAFKA_BROKERS=localhost:9092 tidegate run config/gateway.yaml the same on Kafka
  $ tidegate lint config/*.yaml                                   every mistake, with line and column
  $ tidegate log check config/gateway.yaml                        what is whole in ./data
  $ tidegate token check gateway.yaml users < token               its claims, or why it is refused
  $ tidegate connect standalone worker.properties feed.properties Kafka Connect's own files

Variables that \`run\` reads besides those of the configuration:
  LOG_LEVEL   debug, info (default), warn, error or silent
  LOG_FORMAT  json (default without a terminal), ecs or pretty
  DEBUG       scopes that say more, such as tidegate:* or tidegate:lane,tidegate:kafka`;

const OUTPUT = [process.stdout, process.stderr];

/** Milliseconds that a gateway which has stopped waits for a reader of its output that reads nothing. */
const OUTPUT_TIMEOUT = 5_000;

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
      'Runs a gateway. On SIGTERM or SIGINT (Ctrl-C) it delivers in-flight messages and ends: exit code 0,\n' +
        'or 1 if it had to give messages up. A second SIGTERM or SIGINT ends it at once. Errors that need the operator end it\n' +
        'with exit code 1 and a message: an invalid configuration, a port in use, a topic that the log refuses.\n' +
        'On SIGHUP, on POST /-/reload at the admin port, and with --watch when the file changes, it reads the configuration\n' +
        'again and changes what differs, while everything else runs on.',
    )
    .argument('<file>', 'configuration, YAML')
    .option('--watch', 'read the configuration again when its file changes')
    .action((file: string, { watch = false }: { watch?: boolean }) =>
      ending(async () => (await import('./run.ts')).run({ config: { file } }, watch), OUTPUT_TIMEOUT),
    );

  program
    .command('lint')
    .summary('check configurations and say what they do')
    .description(
      'Checks configurations without starting anything. Mistakes are printed as file:line:column  path  what is wrong;\n' +
        'the exit code is 1 where there are any. Variables, files and commands are filled in, as they would be by run.',
    )
    .argument('<files...>', 'configurations, YAML')
    .option('--strict', 'warnings are mistakes, and so are secrets that are written into a file')
    .action((files: string[], options: LintOptions) => {
      allowClosedReaders(OUTPUT);
      return ending(async () => (await import('./lint.ts')).lintFiles(files, options));
    });

  program
    .command('log')
    .summary('check the log that a gateway keeps without Kafka')
    .description('Looks after the embedded log.')
    .command('check')
    .summary('say what is whole in an embedded log that is not in use')
    .description(
      'Reads every record of an embedded log, changes nothing, and prints its topics, partitions and offsets, and what is\n' +
        'damaged. The exit code is 0 where all is whole, 1 where something is damaged, and 2 where the log cannot be checked:\n' +
        'it is in use, or there is none.',
    )
    .argument('[file]', 'configuration, YAML, whose log.embedded.path is the directory')
    .option('--data <directory>', 'directory of the log (default: that of the file, or ./data)')
    .action((file: string | undefined, options: LogCheckOptions) => {
      allowClosedReaders(OUTPUT);
      return ending(async () => (await import('./log-check.ts')).checkLog(file, options));
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
      ending(async () => {
        const [{ run }, { standaloneOptions }] = await Promise.all([import('./run.ts'), import('./connect.ts')]);
        return run(standaloneOptions(worker, connectors, process.env));
      }, OUTPUT_TIMEOUT),
    );

  addTokenCommands(program);
  return program;
}

function addTokenCommands(program: Command): void {
  const token = program
    .command('token')
    .summary('make and check tokens and password hashes for the section auth')
    .description('Tries out an entry of auth, without a gateway.');

  token
    .command('create')
    .summary('print a token that an entry of auth accepts')
    .description(
      'Prints a JSON Web Token, signed with the secret of the entry or with a private key. Issuer and audience are those of the\n' +
        'entry unless a claim says otherwise. It is for trying out: in production an issuer makes the tokens.',
    )
    .argument('<file>', 'configuration, YAML')
    .requiredOption('--auth <name>', 'entry of auth')
    .option('--claim <claim>', 'name=text or name:=JSON; may be repeated', collected, [])
    .option('--expires <duration>', 'how long it is valid', '1h')
    .option('--key <file>', 'private key of the issuer, PEM')
    .option('--kid <id>', 'name of the key')
    .action((file: string, options: CreateOptions) =>
      ending(async () => (await import('./token.ts')).createToken(file, options)),
    );

  token
    .command('check')
    .summary('print the claims of the token on standard input, or why it is refused')
    .description('Checks a token as a gateway would. The exit code is 0 where it is accepted, and 1 where it is not.')
    .argument('<file>', 'configuration, YAML')
    .argument('<name>', 'entry of auth')
    .action((file: string, name: string) => ending(async () => (await import('./token.ts')).checkToken(file, name)));

  token
    .command('hash')
    .summary('print a hash of the password on standard input, for basic')
    .description('Prints a scrypt hash in the PHC format, which goes into auth.NAME.basic in place of the password.')
    .action(() => ending(async () => (await import('./token.ts')).hashPassword()));
}

function collected(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

/** Ends the process with what a command returns. */
async function ending(command: () => Promise<number>, timeout?: number): Promise<void> {
  let code = 1;
  try {
    code = await command();
  } catch (error) {
    const { describeFailure } = await import('./report.ts');
    // Not by `console`, which `run` has turned into lines of the log.
    process.stderr.write(`${describeFailure(error, process.env)}\n`);
  }
  await end(code, timeout);
}

/** Once everything that was printed is out. */
async function end(code: number, timeout?: number): Promise<void> {
  await drained(OUTPUT, timeout);
  setImmediate(() => void endProcess(code));
}
