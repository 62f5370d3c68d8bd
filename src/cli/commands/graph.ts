import { type Command, Option } from 'commander';
import { endingWith } from '../ending.ts';
import type { GraphOptions } from '../graph/graph.ts';

export function addGraphCommand(program: Command): void {
  program
    .command('graph')
    .summary('draw what flows where')
    .description(
      'Draws the endpoints, pipelines, topics, groups, dead letters and feeds of a configuration, as Mermaid text, which ' +
        'GitHub and many wikis show as a picture, or as SVG, for browsers.',
    )
    .argument('<file>', 'configuration, YAML')
    .addOption(new Option('--format <format>', 'what is printed').choices(['mermaid', 'svg']).default('mermaid'))
    .option('-o, --output <file>', 'write to a file')
    .action((file: string, options: GraphOptions) =>
      endingWith(async () => (await import('../graph/graph.ts')).drawGraph(file, options)),
    );
}
