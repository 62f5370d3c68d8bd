import type { Sink } from '../core/component.ts';
import { asTidegateError, TidegateError } from '../core/errors.ts';
import { isWithin } from '../core/waiting.ts';
import type { ComponentContext, ConnectedContext, GatewayPort, GatewayPorts } from './context.ts';
import { type InnerSink, type Kind, PORTS_OF_KIND } from './define.ts';
import { missingPart } from './made-component.ts';

interface Maker<Made> {
  readonly kind: Kind;
  readonly name: string;
  readonly needs?: readonly GatewayPort[];
  readonly plugin?: string;
  readonly create: (config: never, context: ConnectedContext) => Made;
}

/** Milliseconds that a component of a plugin may take to open. */
const OPEN_TIMEOUT = 60_000;

/** What the gateway gave for a component, by what the component got of it: sinks within a sink need more than that one. */
const whole = new WeakMap<ComponentContext, ConnectedContext>();

/**
 * Creates a component, which gets the ports that it needs. An error that a plugin throws, and what is no such component,
 * become TG_PLUGIN_CREATE_FAILED, with the path in the configuration.
 */
export function makeComponent<Made>(spec: Maker<Made>, config: unknown, context: ConnectedContext): Made {
  const what = `${context.path}: the ${spec.kind} ${spec.name}${spec.plugin === undefined ? '' : ` of ${spec.plugin}`}`;
  let made: Made;
  try {
    made = spec.create(config as never, narrowed(spec, context));
  } catch (error) {
    if (error instanceof TidegateError) throw error;
    throw asTidegateError(error, 'TG_PLUGIN_CREATE_FAILED', `${what} cannot be made`);
  }
  const missing = missingPart(spec.kind, made);
  if (missing !== undefined)
    throw new TidegateError('TG_PLUGIN_CREATE_FAILED', `${what} cannot be made: its create returned ${missing}`);
  // A codec opens connections, and waits for nothing.
  if (spec.plugin !== undefined && spec.kind !== 'codec') boundOpen(made as Openable, what, context);
  return made;
}

/** Creates a sink within another one. `place`: where it is in the settings of that one, such as `route[0].sink`. */
export function makeInnerSink({ spec, config }: InnerSink, outer: ComponentContext, place: string): Sink {
  const path = `${outer.path}.${place}`;
  const context = whole.get(outer) ?? (outer as ConnectedContext);
  return makeComponent(spec, config, { ...context, path, logger: outer.logger.child({ component: path }) });
}

function narrowed(spec: Maker<unknown>, context: ConnectedContext): ConnectedContext {
  const { path, logger, stats, clock, signal, tracer, state } = context;
  const gateway = portsFor(spec, context.gateway);
  const own = { path, logger, stats, clock, signal, tracer, state, gateway };
  whole.set(own, context);
  return own;
}

/** The ports that it needs. One that its definition does not name says so when it is used. */
function portsFor({ kind, name, needs = [] }: Maker<unknown>, gateway: GatewayPorts): GatewayPorts {
  const ports = {};
  for (const port of PORTS_OF_KIND[kind]) {
    const get = () => {
      if (needs.includes(port)) return gateway[port];
      throw new TidegateError(
        'TG_PLUGIN_CREATE_FAILED',
        `the ${kind} ${name} uses gateway.${port}, which its definition does not name; add it: needs: [ '${port}' ]`,
      );
    };
    Object.defineProperty(ports, port, { get, enumerable: needs.includes(port) });
  }
  return ports as GatewayPorts;
}

interface Openable {
  open?(): unknown;
}

/** A plugin that never opens would hold its pipeline without a word. The object is the plugin's own, made for this gateway. */
function boundOpen(made: Openable, what: string, { clock }: ConnectedContext): void {
  if (typeof made.open !== 'function' || !Object.isExtensible(made)) return;
  const open = made.open.bind(made);
  made.open = async () => {
    const opening = Promise.resolve(open());
    if (await isWithin(clock, OPEN_TIMEOUT, opening)) return opening;
    throw new TidegateError(
      'TG_PLUGIN_OPEN_TIMEOUT',
      `${what} has not opened within ${OPEN_TIMEOUT / 1_000} s; say in open() how long it may wait for what it needs`,
    );
  };
}
