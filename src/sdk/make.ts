import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { ComponentContext } from './context.ts';
import type { Kind } from './define.ts';

interface Maker<Made> {
  readonly kind: Kind;
  readonly name: string;
  readonly create: (config: never, context: ComponentContext) => Made;
}

/** Creates a component. An error that a plugin throws becomes TG_PLUGIN_INVALID, with the path in the configuration. */
export function makeComponent<Made>(spec: Maker<Made>, config: unknown, context: ComponentContext): Made {
  try {
    return spec.create(config as never, context);
  } catch (error) {
    if (error instanceof TidegateError) throw error;
    throw asTidegateError(error, 'TG_PLUGIN_INVALID', `${context.path}: the ${spec.kind} ${spec.name} cannot be made`);
  }
}
