import type { Sink } from '../core/component.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import type { ComponentContext } from './context.ts';
import type { InnerSink, Kind } from './define.ts';

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

/** Creates a sink within another one. `place`: where it is in the settings of that one, such as `route[0].sink`. */
export function makeInnerSink({ spec, config }: InnerSink, outer: ComponentContext, place: string): Sink {
  const path = `${outer.path}.${place}`;
  return makeComponent(spec, config, { ...outer, path, logger: outer.logger.child({ component: path }) });
}
