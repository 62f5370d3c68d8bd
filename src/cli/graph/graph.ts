import { writeFile } from 'node:fs/promises';
import { loadConfig } from '../../config/index.ts';
import { TidegateError } from '../../core/errors.ts';
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
  const text = format === 'svg' ? svgOf(graphOf(config)) : mermaidOf(graphOf(config));
  if (output === undefined) process.stdout.write(text);
  else await write(output, text);
  return 0;
}

async function write(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new TidegateError('TG_CONFIG_UNREADABLE', `${file} cannot be written: ${(error as Error).message}`, error);
  }
}
