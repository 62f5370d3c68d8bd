import { loadConfig } from '../../config/index.ts';
import { writeText } from '../write-text.ts';
import { mermaidOf } from './mermaid.ts';
import { graphOf } from './model.ts';
import { svgOf } from './svg.ts';

export interface GraphOptions {
  readonly format: 'mermaid' | 'svg';
  /** A file; standard output where it is left out. */
  readonly output?: string;
}

/** Draws what flows where in a configuration. Resolves with the exit code; rejects with ConfigError where it has a mistake. */
export async function drawGraph(file: string, { format, output }: GraphOptions): Promise<number> {
  const { config } = await loadConfig(file, { production: null });
  const graph = graphOf(config);
  if (graph.nodes.length === 0)
    process.stderr.write(`tidegate: the picture is empty: ${file} has no endpoints, pipelines and topics\n`);
  const text = format === 'svg' ? svgOf(graph) : mermaidOf(graph);
  if (output === undefined) process.stdout.write(text);
  else await writeText(output, text);
  return 0;
}
