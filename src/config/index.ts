export { builtinRegistry } from './builtins.ts';
export { beyondCeiling, describeCeiling, memoryCeiling } from './ceiling.ts';
export {
  type ConfigDifference,
  describeDifference,
  differenceBetween,
  type Given,
} from './difference/difference.ts';
export { type LoadedConfig, loadConfig, loadRegistry, registryOf } from './load.ts';
export { feedPlanOf, partitionsOf } from './pipelines/channel-feeds.ts';
export { endsOf, sinksOf, sourcesOf } from './pipelines/ends.ts';
export { endpointsOf, sharingOf, topicsIn } from './pipelines/pipeline-uses.ts';
export { referencesOf } from './pipelines/references.ts';
export { takingOver } from './pipelines/taking-over.ts';
export { ConfigError, formatPath, formatProblem, type Problem } from './problem/problem.ts';
export { channelHistoryOf } from './schema/channels-schema.ts';
export type { EndpointConfig, GatewayConfig, PipelineConfig } from './schema/schema.ts';
