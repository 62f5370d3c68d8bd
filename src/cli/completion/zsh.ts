import type { CompletedCommand, CompletedOption, Words } from './tree.ts';

/** A function for each command, which describes its options and arguments as _arguments wants them. */
export function zshScript(commands: readonly CompletedCommand[]): string {
  return `#compdef tidegate
# Completion of tidegate for zsh: source <(tidegate completion zsh), or as a file _tidegate in a directory of $fpath
${commands.map((command) => functionOf(command, commands)).join('\n')}
if [[ "\${funcstack[1]}" == _tidegate ]]; then _tidegate "$@"; else (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }; compdef _tidegate tidegate; fi
`;
}

function functionOf(command: CompletedCommand, all: readonly CompletedCommand[]): string {
  const { path, commands, options, argument } = command;
  const specs = options.map((option) => `    ${specOf(option)}`);
  const inner = commands.filter(({ name }) => all.some((one) => one.path === join(path, name)));
  if (inner.length === 0)
    return `${nameOf(path)}() {
  _arguments -s \\
${[...specs, `    ${quoted(`*:${argument.kind}:${actionOf(argument)}`)}`].join(' \\\n')}
}`;
  const described = commands.map(({ name, about }) => `    ${quoted(`${name}:${about.replaceAll(':', '\\:')}`)}`);
  const cases = inner.map(({ name }) => `        ${name}) ${nameOf(join(path, name))} ;;`);
  return `${nameOf(path)}() {
  local curcontext="$curcontext" state line
  local -a commands=(
${described.join('\n')}
  )
  _arguments -C -s \\
${[...specs, "    '1: :->command'", "    '*:: :->rest'"].join(' \\\n')}
  case $state in
    command) _describe command commands${argument.kind === 'file' ? '; _files' : ''} ;;
    rest)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
}

function specOf({ flags, about, value }: CompletedOption): string {
  const text = `[${about.replaceAll(/[[\]\\]/g, '\\$&').replaceAll(':', '\\:')}]${value === undefined ? '' : `:${value.kind}:${actionOf(value)}`}`;
  if (flags.length === 1) return quoted(`${flags[0]}${text}`);
  return `${quoted(`(${flags.join(' ')})`)}{${flags.join(',')}}${quoted(text)}`;
}

function actionOf(words: Words): string {
  if (words.kind === 'file') return '_files';
  return words.kind === 'words' ? `(${words.words.join(' ')})` : ' ';
}

function nameOf(path: string): string {
  return ['_tidegate', ...path.split(' ').filter((word) => word !== '')].join('_');
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path} ${name}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
