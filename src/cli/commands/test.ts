import { type Command, InvalidArgumentError } from 'commander';
import { endingWith } from '../ending.ts';
import type { TestOptions } from '../test.ts';

export function addTestCommand(program: Command): void {
  program
    .command('test')
    .summary('run the tests of configurations, without ports and without Kafka')
    .description(
      'Runs the tests of configurations: those in the section `tests` of a file, and those of FILE_test.yaml beside it. Each ' +
        'has a gateway of its own, in memory and in virtual time. The exit code is 0 where all passed, 1 where one failed, and ' +
        '2 where a file is invalid or there is nothing to run.',
    )
    .argument('<files...>', 'configurations, YAML, or directories of them')
    .option('--name <pattern>', 'only tests whose name has a match of this regular expression')
    .option('--seed <number>', 'seed of tests with forall, as a failure prints it', wholeNumber)
    .option('--junit <file>', 'write a report in the format of JUnit, which CI systems read')
    .option('--watch', 'run again whenever a file changes, until Ctrl-C')
    .action((files: string[], options: TestOptions) =>
      endingWith(async () => (await import('../test.ts')).testFiles(files, options)),
    );
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError(`"${text}" is not a whole number.`);
}
