import { configJsonSchema } from '../../config/reference/json-schema.ts';
import { registryFor } from '../list.ts';

/** Prints the JSON Schema of configurations, with the plugins of a file. Resolves with the exit code. */
export async function printSchema(file: string | undefined): Promise<number> {
  console.log(JSON.stringify(configJsonSchema(await registryFor(file)), null, 2));
  return 0;
}
