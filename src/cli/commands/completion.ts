import { Argument, type Command } from 'commander';
import { endingWith } from '../ending.ts';

export function addCompletionCommand(program: Command): void {
  program
    .command('completion')
    .summary('print a script that completes commands in a shell')
    .description(
      'Prints a script for a shell, with all commands, options and names of components. For the shell that is open:\n' +
        '  bash  source <(tidegate completion bash)\n' +
        '  zsh   source <(tidegate completion zsh)\n' +
        '  fish  tidegate completion fish | source',
    )
    .addArgument(new Argument('<shell>', 'shell').choices(['bash', 'zsh', 'fish']))
    .action((shell: 'bash' | 'zsh' | 'fish') =>
      endingWith(async () => (await import('../completion/completion.ts')).printCompletion(program, shell)),
    );
}
