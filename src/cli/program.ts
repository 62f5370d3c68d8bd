import { Command, CommanderError } from 'commander';
import { VERSION } from '../version.ts';
import { addCompletionCommand } from './commands/completion.ts';
import { addConfigCommand } from './commands/config.ts';
import { addConnectCommand } from './commands/connect.ts';
import { addCreateCommand } from './commands/create.ts';
import { addGraphCommand } from './commands/graph.ts';
import { addLintCommand } from './commands/lint.ts';
import { addListCommand } from './commands/list.ts';
import { addLogCommand } from './commands/log.ts';
import { addRunCommand } from './commands/run.ts';
import { addShowCommand } from './commands/show.ts';
import { addTapCommand } from './commands/tap.ts';
import { addTestCommand } from './commands/test.ts';
import { addTokenCommand } from './commands/token.ts';
import { end } from './ending.ts';

/*
 * What a command needs is loaded with it: the modules of a gateway take a second of a slow CPU, and the version, the help and
 * a typing error do not wait for them.
 */

const EXAMPLES = `
Examples:
  $ tidegate run config/gateway.yaml                              messages are kept in ./data
  $ KAFKA_BROKERS=localhost:9092 tidegate run config/gateway.yaml the same on Kafka
  $ tidegate lint config/*.yaml                                   every mistake, with line and column
  $ tidegate test config/*.yaml                                   the tests in them, in virtual time
  $ tidegate tap messages-in                                      messages of a running gateway, as they go by
  $ tidegate show topic                                           its settings, with examples
  $ tidegate create 'websocket->filter->topic' > gateway.yaml     a configuration to start from
  $ tidegate create plugin mask-card --kind processor             a project that builds and passes its tests
  $ tidegate graph config/gateway.yaml                            what flows where, as a picture
  $ tidegate log check config/gateway.yaml                        what is whole in ./data
  $ tidegate token check gateway.yaml users < token               its claims, or why it is refused
  $ tidegate connect standalone worker.properties feed.properties Kafka Connect's own files

Variables that \`run\` reads besides those of the configuration:
  LOG_LEVEL   debug, info (default), warn, error or silent
  LOG_FORMAT  json (default without a terminal), ecs or pretty
  DEBUG       scopes that say more, such as tidegate:* or tidegate:lane,tidegate:kafka`;

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

/** The whole command line; nothing is parsed yet. */
export function createProgram(): Command {
  const program = new Command('tidegate')
    .exitOverride()
    .description('A gateway between WebSockets and Apache Kafka: one YAML file says what flows where.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print what a command does')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(tidegate --help says what there is)');

  addRunCommand(program);
  addLintCommand(program);
  addTestCommand(program);
  addTapCommand(program);
  addListCommand(program);
  addShowCommand(program);
  addCreateCommand(program);
  addConfigCommand(program);
  addGraphCommand(program);
  addLogCommand(program);
  addTokenCommand(program);
  addConnectCommand(program);
  addCompletionCommand(program);
  return program;
}
