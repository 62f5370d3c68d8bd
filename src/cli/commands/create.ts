import type { Command } from 'commander';
import { addCreatePluginCommand } from './create-plugin.ts';

export function addCreateCommand(program: Command): void {
  const create = program
    .command('create')
    .summary('make a project for a plugin')
    .description('Makes what a plugin begins with.');
  addCreatePluginCommand(create);
}
