import type { Argument, Command, Option } from 'commander';

/** What a word of the command line may be. */
export type Words =
  | { readonly kind: 'file' }
  | { readonly kind: 'text' }
  | { readonly kind: 'words'; readonly words: readonly string[] };

export interface CompletedOption {
  /** Such as `-o` and `--output`. */
  readonly flags: readonly string[];
  readonly about: string;
  /** undefined: it has no value. */
  readonly value: Words | undefined;
}

/** A command, or a command within one. */
export interface CompletedCommand {
  /** Behind `tidegate`: empty, `lint`, or `log check`. */
  readonly path: string;
  readonly commands: readonly { readonly name: string; readonly about: string }[];
  readonly options: readonly CompletedOption[];
  readonly argument: Words;
}

/** All commands of a program, those within others behind them. `names`: what the argument of `show` may be. */
export function commandsOf(program: Command, names: readonly string[]): CompletedCommand[] {
  const visit = (command: Command, path: readonly string[]): CompletedCommand[] => {
    const help = command.createHelp();
    const inner = help.visibleCommands(command);
    const own: CompletedCommand = {
      path: path.join(' '),
      commands: inner.map((one) => ({ name: one.name(), about: one.summary() || one.description() })),
      options: help.visibleOptions(command).map(optionOf),
      argument: path.join(' ') === 'show' ? wordsOf(names) : argumentOf(command.registeredArguments[0]),
    };
    return [
      own,
      ...inner.filter((one) => command.commands.includes(one)).flatMap((one) => visit(one, [...path, one.name()])),
    ];
  };
  const all = visit(program, []);
  const help: CompletedCommand = {
    path: 'help',
    commands: [],
    options: [],
    argument: wordsOf(program.commands.map((one) => one.name())),
  };
  return [...all, help];
}

function wordsOf(words: readonly string[]): Words {
  return { kind: 'words', words };
}

function optionOf(option: Option): CompletedOption {
  const takesValue = option.required || option.optional;
  const name = /<([^>]*)>/.exec(option.flags)?.[1] ?? '';
  return {
    flags: [option.short, option.long].filter((flag) => flag !== undefined && flag !== null),
    about: option.description,
    value: takesValue ? valueWords(name, option.argChoices) : undefined,
  };
}

function argumentOf(argument: Argument | undefined): Words {
  return argument === undefined ? { kind: 'text' } : valueWords(argument.name(), argument.argChoices);
}

/** Names of values say what they are: a file, a directory, or text. */
function valueWords(name: string, choices: readonly string[] | undefined): Words {
  if (choices !== undefined) return wordsOf(choices);
  return /file|directory|worker|connector/.test(name) ? { kind: 'file' } : { kind: 'text' };
}
