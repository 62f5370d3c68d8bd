import { type Command, Option } from 'commander';
import type { CreatePluginOptions } from '../create/plugin.ts';
import { endingWith } from '../ending.ts';

/** A command of `create`. */
export function addCreatePluginCommand(create: Command): void {
  create
    .command('plugin')
    .summary('make a project for a plugin that builds and passes its own tests')
    .description(
      'Makes a folder with a component, a test by the laws of its kind, and a gateway that uses it. It is TypeScript ' +
        'unless --js is given. The name is that of the folder and of the package; the component has it with _ for -.',
    )
    .argument('<name>', 'lower case letters, digits, - and _')
    .addOption(
      new Option('--kind <kind>', 'what the component is')
        .choices(['processor', 'operator', 'source', 'sink', 'codec'])
        .default('processor'),
    )
    .option('--js', 'JavaScript, which needs no build')
    .option('--tidegate <package>', 'version or file of tidegate to test with, such as ../tidegate-0.1.0.tgz')
    .action((name: string, options: CreatePluginOptions) =>
      endingWith(async () => (await import('../create/plugin.ts')).createPlugin(name, options)),
    );
}
