import { codecs } from '../codecs/index.ts';
import { feedComponents } from '../feeds/index.ts';
import { components } from '../pipelines/index.ts';
import type { ComponentSpec } from '../sdk/define.ts';
import { Registry } from '../sdk/registry.ts';

/** A registry with our own components; plugins add theirs to it. */
export function builtinRegistry(): Registry {
  const registry = new Registry();
  for (const spec of builtins()) registry.addBuiltin(spec);
  return registry;
}

/** Exported for the test that they follow the rules for components. */
export function builtins(): readonly ComponentSpec[] {
  return [...codecs, ...components, ...feedComponents] as unknown as ComponentSpec[];
}
