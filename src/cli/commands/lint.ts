import type { Command } from 'commander';
import { endingWith } from '../ending.ts';
import type { LintOptions } from '../lint.ts';

export function addLintCommand(program: Command): void {
  program
    .command('lint')
    .summary('check configurations and say what they do')
    .description(
      'Checks configurations without starting anything. Mistakes are printed as file:line:column  path  what is wrong; ' +
        'the exit code is 1 where there are any. Variables, files and commands are filled in, as they would be by run.',
    )
    .argument('<files...>', 'configurations, YAML')
    .option('--strict', 'warnings are mistakes, and so are secrets that are written into a file')
    .action((files: string[], options: LintOptions) =>
      endingWith(async () => (await import('../lint.ts')).lintFiles(files, options)),
    );
}
