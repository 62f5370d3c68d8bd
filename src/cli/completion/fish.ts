import type { CompletedCommand, Words } from './tree.ts';

/** A `complete` for each word, with the command that it is for as a condition. */
export function fishScript(commands: readonly CompletedCommand[]): string {
  const paths = commands.map(({ path }) => path).filter((path) => path !== '');
  const cases = paths.map((path) => {
    const words = path.split(' ');
    const from = [...words.slice(0, -1), words.at(-1)].join(' ');
    return `      case ${quoted(words.length === 1 ? ` ${from}` : from)}\n        set path ${quoted(path)}`;
  });
  return `# Completion of tidegate for fish: tidegate completion fish | source
function __tidegate_is
  set -l words (commandline -opc)
  set -l path ''
  for word in $words[2..-1]
    switch "$path $word"
${cases.join('\n')}
    end
  end
  test "$path" = "$argv[1]"
end
complete -c tidegate -f
${commands.flatMap(linesOf).join('\n')}
`;
}

function linesOf({ path, commands, options, argument }: CompletedCommand): string[] {
  const start = `complete -c tidegate -n ${quoted(`__tidegate_is ${quoted(path)}`)}`;
  return [
    ...commands.map(({ name, about }) => `${start} -a ${name} -d ${quoted(about)}`),
    ...(argument.kind === 'text' ? [] : [`${start} ${valueWords(argument)}`]),
    ...options.map(({ flags, about, value }) => {
      const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`));
      return `${start} ${names.join(' ')}${value === undefined ? '' : ` ${value.kind === 'file' ? '-r' : '-x'} ${valueWords(value)}`} -d ${quoted(about)}`.replaceAll(
        '  ',
        ' ',
      );
    }),
  ];
}

function valueWords(words: Words): string {
  if (words.kind === 'file') return '-F';
  return words.kind === 'words' ? `-a ${quoted(words.words.join(' '))}` : '';
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
