export { builtinRegistry } from './builtins.ts';
export { beyondCeiling, describeCeiling, memoryCeiling } from './ceiling.ts';
export { endpointsOf } from './lint-pipelines.ts';
export { type LoadedConfig, loadConfig } from './load.ts';
export { ConfigError, formatProblem, type Problem } from './problem.ts';
export type { EndpointConfig, GatewayConfig, PipelineConfig } from './schema.ts';
