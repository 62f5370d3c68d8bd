import type { Command } from 'commander';
import { endingWith } from '../ending.ts';
import { addCreatePluginCommand } from './create-plugin.ts';

export function addCreateCommand(program: Command): void {
  const create = program
    .command('create')
    .summary('print a configuration to start from, or make a project for a plugin')
    .description(
      'Prints a whole configuration for a flow, with comments: SOURCE->SINK, or SOURCE+SOURCE->PROCESSOR->PROCESSOR->SINK. ' +
        'The words are names of components (`tidegate list`), websocket for an endpoint of this gateway, and feed for another ' +
        "server's WebSocket. Settings are those of an example, for you to change.",
    );
  create
    .argument('<flow>', "flow, in quotes: 'websocket->filter->topic'")
    .action((flow: string) => endingWith(async () => (await import('../create/configuration.ts')).createConfig(flow)));
  addCreatePluginCommand(create);
}
