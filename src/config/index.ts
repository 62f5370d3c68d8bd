export { builtinRegistry } from './builtins.ts';
export { describeCeiling, memoryCeiling } from './ceiling.ts';
export type { Chosen } from './component-schema.ts';
export { type ConfigText, type LoadedConfig, type LoadOptions, loadConfig } from './load.ts';
export { ConfigError, formatProblem, type Problem } from './problem.ts';
export type { EndpointConfig, GatewayConfig, PipelineConfig } from './schema.ts';
