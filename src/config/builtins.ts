import { codecs } from '../codecs/index.ts';
import { components } from '../pipelines/index.ts';
import type { ComponentSpec } from '../sdk/define.ts';
import { Registry } from '../sdk/registry.ts';

/** A registry with our own components; plugins add theirs to it. */
export function builtinRegistry(): Registry {
  const registry = new Registry();
  for (const spec of [...codecs, ...components] as unknown as ComponentSpec[]) registry.add(spec, 'tidegate');
  return registry;
}
