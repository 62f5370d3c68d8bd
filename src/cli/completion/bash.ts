import type { CompletedCommand, Words } from './tree.ts';

/** The words before the one that is completed say which command it is. */
export function bashScript(commands: readonly CompletedCommand[]): string {
  return `# Completion of tidegate for bash: source <(tidegate completion bash)
_tidegate() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" index
  for ((index = 1; index < COMP_CWORD; index++)); do
    case "$path \${COMP_WORDS[index]}" in
${pathCases(commands)}
    esac
  done
  COMPREPLY=()
  case "$path $before" in
${commands.flatMap(valueCases).join('\n')}
  esac
  case "$path" in
${commands.map(commandCase).join('\n')}
  esac
}
complete -F _tidegate tidegate
`;
}

/** Which words lead from a command to one within it. */
function pathCases(commands: readonly CompletedCommand[]): string {
  const paths = commands.map(({ path }) => path).filter((path) => path !== '');
  return paths
    .map((path) => {
      const words = path.split(' ');
      const before = words.slice(0, -1).join(' ');
      return `      ${quoted(`${before} ${words.at(-1)}`)}) path=${quoted(path)} ;;`;
    })
    .join('\n');
}

function valueCases({ path, options }: CompletedCommand): string[] {
  return options.flatMap(({ flags, value }) =>
    value === undefined
      ? []
      : [`    ${flags.map((flag) => quoted(`${path} ${flag}`)).join('|')}) ${replyOf(value)}; return ;;`],
  );
}

function commandCase({ path, commands, options, argument }: CompletedCommand): string {
  const flags = options.flatMap((option) => option.flags).join(' ');
  const names = commands.map(({ name }) => name);
  const rest = names.length > 0 && argument.kind === 'text' ? { kind: 'words' as const, words: names } : argument;
  return `    ${quoted(path)})
      if [[ "$word" == -* ]]; then COMPREPLY=($(compgen -W ${quoted(flags)} -- "$word"))
      else ${replyOf(rest)}; fi ;;`;
}

function replyOf(words: Words): string {
  if (words.kind === 'text') return ':';
  if (words.kind === 'words') return `COMPREPLY=($(compgen -W ${quoted(words.words.join(' '))} -- "$word"))`;
  // As one entry for each line, so that names with blanks stay whole.
  return `compopt -o filenames 2>/dev/null; local IFS=$'\\n'; COMPREPLY=($(compgen -f -- "$word"))`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
