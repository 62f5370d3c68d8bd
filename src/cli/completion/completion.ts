import type { Command } from 'commander';
import { builtinRegistry } from '../../config/index.ts';
import { bashScript } from './bash.ts';
import { fishScript } from './fish.ts';
import { commandsOf } from './tree.ts';
import { zshScript } from './zsh.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript };

/** Prints what a shell needs to complete the commands of a program. Resolves with the exit code. */
export async function printCompletion(program: Command, shell: keyof typeof SCRIPTS): Promise<number> {
  const registry = builtinRegistry();
  const kinds = ['source', 'processor', 'operator', 'sink', 'codec'] as const;
  const names = new Set(kinds.flatMap((kind) => registry.all(kind).map(({ name }) => name)));
  process.stdout.write(SCRIPTS[shell](commandsOf(program, [...names].sort())));
  return 0;
}
