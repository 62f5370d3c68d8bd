import { codecs } from '../codecs/index.ts';
import { feedComponents } from '../feeds/index.ts';
import { components, compositeSinks } from '../pipelines/index.ts';
import type { ComponentSpec } from '../sdk/define.ts';
import { Registry } from '../sdk/registry.ts';
import { innerSinkSchema } from './schema/component-schema.ts';

/** A registry with our own components; plugins add theirs to it. */
export function builtinRegistry(): Registry {
  const registry = new Registry();
  for (const spec of builtins(registry)) registry.addBuiltin(spec);
  return registry;
}

/** Exported for the test that they follow the rules for components. `registry`: where sinks find the ones within them. */
export function builtins(registry: Registry): readonly ComponentSpec[] {
  const composites = compositeSinks(innerSinkSchema(registry));
  return [...codecs, ...components, ...composites, ...feedComponents] as unknown as ComponentSpec[];
}
