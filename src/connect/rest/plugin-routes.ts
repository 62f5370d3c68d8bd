import { quoteValue } from '../../core/quote.ts';
import { noSuchClass } from '../cluster/commands.ts';
import { ConnectRefusal } from '../cluster/refusal.ts';
import { shown } from '../cluster/views.ts';
import {
  ALIAS_KINDS,
  commonDefinitions,
  converterClasses,
  type Definition,
  definitionAnswer,
  type Examined,
  type FlatConfig,
  pluginDefinitions,
  pluginOf,
  plugins,
  transformPluginOf,
  validationAnswer,
} from '../settings/index.ts';
import { answer, type Call, flatConfigOf, objectOf } from './call.ts';
import type { Route } from './routes.ts';

export interface PluginRouteOptions {
  readonly examine: (config: FlatConfig) => Examined | undefined;
  readonly version: string;
}

/** `/connector-plugins` and everything below it. */
export function pluginRoutes({ examine, version }: PluginRouteOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/connector-plugins',
      handle: ({ query }) => {
        const connectors = plugins.flatMap(({ classes, type }) =>
          classes.map((name) => ({ class: name, type, version })),
        );
        const converters = converterClasses.map((name) => ({ class: name, type: 'converter', version }));
        if (query.get('connectorsOnly') !== 'false') return answer(200, connectors);
        const others = ALIAS_KINDS.flatMap(({ word, classes }) =>
          classes.map(({ name }) => ({ class: name, type: word, version })),
        );
        return answer(200, [...connectors, ...others, ...converters]);
      },
    },
    {
      method: 'GET',
      path: '/connector-plugins/{plugin}/config',
      handle: ({ params }) => {
        const transform = transformPluginOf(params.plugin ?? '');
        if (transform !== undefined) return answer(200, pluginDefinitions(transform).map(definitionAnswer));
        const plugin = pluginOf(params.plugin ?? '');
        if (plugin === undefined) throw new ConnectRefusal(404, `Unknown plugin ${params.plugin}.`);
        return answer(200, [...plugin.definitions, ...commonDefinitions.map(withoutWorker)].map(definitionAnswer));
      },
    },
    { method: 'PUT', path: '/connector-plugins/{plugin}/config/validate', handle: (call) => validate(call, examine) },
  ];
}

function validate(call: Call, examine: PluginRouteOptions['examine']) {
  const asked = call.params.plugin ?? '';
  const config = flatConfigOf(objectOf(call));
  const type = config['connector.class']?.trim();
  if (type === undefined) throw new ConnectRefusal(400, `Connector config ${shown(config)} contains no connector type`);
  if (simple(type) !== simple(asked))
    throw new ConnectRefusal(
      400,
      `Included connector type ${quoteValue(type)} does not match request type ${quoteValue(asked)}`,
    );
  const examined = examine(config);
  if (examined === undefined) throw new ConnectRefusal(400, noSuchClass(type));
  return answer(200, validationAnswer(type, examined));
}

/** Which converters there are by default is up to a worker, not to the class. */
function withoutWorker(definition: Definition): Definition {
  return definition.type === 'CLASS' ? { ...definition, default: null } : definition;
}

/** Tools ask by a class's full name for settings that name it in short, and the other way round. */
function simple(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).replace(/Connector$/, '');
}
