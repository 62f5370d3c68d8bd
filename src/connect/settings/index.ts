export type { ConnectConfig } from '../../config/schema/connect-schema.ts';
export { definitionAnswer, refusalOf, validationAnswer } from './answers.ts';
export { commonDefinitions } from './common-definitions.ts';
export { converterClasses } from './converters.ts';
export { type Definition, type FlatConfig, HIDDEN } from './definition.ts';
export {
  type ConnectorDescription,
  definitionsOf,
  type ErrorHandling,
  type Examined,
  examine,
  type TaskDescription,
} from './examine.ts';
export { hiddenLeft, masked, secretKeys, unmasked } from './mask.ts';
export { pluginOf, plugins } from './plugins.ts';
export { groupOfSink } from './sink-group.ts';
export { ALIAS_KINDS, pluginDefinitions, transformPluginOf } from './transform-definitions.ts';
