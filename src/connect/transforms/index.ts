export { type TransformChain, type TransformStage, transformsProcessor } from './chain.ts';
export { transforms } from './plugins.ts';
export { predicates } from './predicates.ts';
export type { RecordForm } from './record-form.ts';
export { type Given, type PluginClass, type Setting, SettingMistake } from './setting.ts';
