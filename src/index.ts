/**
 * Tidegate as a library: the gateway of `tidegate run` in a program of your own.
 *
 * @packageDocumentation
 */

export type { SettingChange } from './config/difference/changed-settings.ts';
export type { Change } from './config/difference/difference.ts';
export { ConfigError, type Problem } from './config/index.ts';
export type { Severity } from './config/problem/problem.ts';
export type { S2Options } from './config/schema/s2.ts';
export type { StandaloneFiles } from './connect/settings/standalone/standalone.ts';
export { type ErrorCode, type NextStep, TidegateError } from './core/errors.ts';
export { allHeaders, type Header, lastHeader } from './core/headers.ts';
export type { TopicRecord } from './core/topic-record.ts';
export type { ReloadCause, ReloadReport, ReloadResult } from './gateway/reload/report.ts';
export type { BoundPorts, GatewaySnapshot, GroupSnapshot, StopReport } from './gateway/snapshot.ts';
export { createGateway } from './library/create-gateway.ts';
export type { ConnectionChange, Gateway, GatewayTopic, NewRecord, RecordPosition } from './library/gateway.ts';
export type {
  ConfigFile,
  ConfigObject,
  GatewayOptions,
  LogLevel,
  RunOptions,
} from './library/options.ts';
export type {
  CloseFacts,
  ConnectionFacts,
  ConsumerFacts,
  ConsumerReady,
  GatewayEventName,
  GatewayEvents,
  GatewayFailure,
  GatewayListener,
  ProducerFacts,
  RequestFacts,
} from './telemetry/events.ts';
export type { Logger } from './telemetry/logger.ts';
export type { ProgramServer } from './transports/websocket/attached.ts';
