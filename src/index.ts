/**
 * Tidegate as a library: the gateway of `tidegate run` in a program of your own.
 *
 * @packageDocumentation
 */
export type { StopReport } from './actors/gateway/stop-report.ts';
export type { BoundPorts } from './assembly/bound-ports.ts';
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
} from './assembly/events.ts';
export type { GatewaySnapshot, GroupSnapshot } from './assembly/snapshot.ts';
export type { TopicRecord } from './assembly/topic-record.ts';
export { ConfigError, type Problem, type StandaloneFiles } from './config/index.ts';
export type { Severity } from './config/problem.ts';
export type { S2Options } from './config/s2.ts';
export { type ErrorCode, type NextStep, TidegateError } from './core/errors.ts';
export { allHeaders, type Header, lastHeader } from './core/headers.ts';
export { createGateway } from './embedding/create-gateway.ts';
export type { ConnectionChange, Gateway } from './embedding/gateway.ts';
export type { GatewayTopic, NewRecord, RecordPosition } from './embedding/gateway-topic.ts';
export type {
  ConfigFile,
  ConfigObject,
  GatewayOptions,
  LogLevel,
  RunOptions,
} from './embedding/options.ts';
export type { Logger } from './telemetry/logger.ts';
export type { ProgramServer } from './transports/websocket/attached.ts';
