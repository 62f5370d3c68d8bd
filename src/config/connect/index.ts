export { definitionAnswer, refusalOf, validationAnswer } from './answers.ts';
export { commonDefinitions } from './common-definitions.ts';
export { converterClasses } from './converters.ts';
export type { Definition, FlatConfig } from './definition.ts';
export {
  type ConnectorDescription,
  definitionsOf,
  type ErrorHandling,
  type Examined,
  examine,
  type TaskDescription,
} from './examine.ts';
export { hiddenLeft, masked, unmasked } from './mask.ts';
export { pluginOf, plugins } from './plugins.ts';
export type { ConnectConfig } from './schema.ts';
export { groupOfSink } from './sink-plugin.ts';
