export { definitionAnswer, refusalOf, validationAnswer } from './answers.ts';
export { type FlatConfig, HIDDEN } from './definition.ts';
export {
  type ConnectorDescription,
  definitionsOf,
  type ErrorHandling,
  type ExamineOptions,
  examine,
  type TaskDescription,
} from './examine.ts';
export { hiddenLeft, masked, unmasked } from './mask.ts';
export type { ConnectorPlugin } from './plugin.ts';
export { pluginOf, plugins } from './plugins.ts';
export { parseProperties } from './properties.ts';
export { groupOfSink } from './sink-plugin.ts';
