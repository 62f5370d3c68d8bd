export { builtinRegistry } from './builtins.ts';
export { beyondCeiling, describeCeiling, memoryCeiling } from './ceiling.ts';
export { feedPlanOf, partitionsOf, takingChannels } from './channel-feeds.ts';
export { channelHistoryOf } from './channels-schema.ts';
export {
  type ConfigDifference,
  describeDifference,
  differenceBetween,
  type Given,
} from './difference.ts';
export { endsOf, sinksOf, sourcesOf } from './ends.ts';
export { type LoadedConfig, loadConfig, loadRegistry, registryOf } from './load.ts';
export { endpointsOf, sharingOf, topicsIn } from './pipeline-uses.ts';
export { ConfigError, formatPath, formatProblem, type Problem } from './problem.ts';
export { referencesOf } from './references.ts';
export type { EndpointConfig, GatewayConfig, PipelineConfig } from './schema.ts';
export { takingEndpoints } from './taking-endpoints.ts';
