/** The only module that components import, ours and those of plugins. */
export { z } from 'zod';
export type { UrlRule } from '../core/address.ts';
export { Batch } from '../core/batch.ts';
export type { Clock } from '../core/clock.ts';
export type {
  Codec,
  ConnectionInfo,
  Effect,
  Farewell,
  Frame,
  Identity,
  Member,
  MemberEvent,
  Membership,
  Operator,
  Processor,
  RosterChange,
  Sink,
  Source,
  TopicProtocol,
} from '../core/component.ts';
export type { CodecMessage, Meta } from '../core/content.ts';
export { asTidegateError, type ErrorCode, type NextStep, type Rejection, TidegateError } from '../core/errors.ts';
export { asWritten, ExactNumber, writeJson } from '../core/exact-number.ts';
export {
  allHeaders,
  type Header,
  type Headers,
  type HeaderValue,
  lastHeader,
  withAddedHeader,
  withHeader,
  withoutHeader,
} from '../core/headers.ts';
export { countFields, JsonPath, repeatedField } from '../core/json-path.ts';
export type { StartPosition, TopicPartition, TopicSpec } from '../core/log.ts';
export {
  Message,
  type MessageInit,
  type Outcome,
  type Sender,
  type SettleTarget,
  type TraceContext,
} from '../core/message.ts';
export { quote, quoteReason, quoteValue } from '../core/quote.ts';
export type {
  Connect,
  RemoteAuth,
  RemoteEnd,
  RemoteEndKind,
  RemoteHandler,
  RemoteRequest,
  RemoteSocket,
  RemoteTarget,
  RemoteTls,
} from '../core/remote.ts';
export type { Hold, PartitionOperator, PartitionPort, Release, StatefulOperator } from '../core/stateful-operator.ts';
export type {
  Position,
  SubscriptionRequest,
  TopicOutcome,
  TopicRequest,
  TopicResult,
  TopicView,
} from '../core/topic-request.ts';
export { parseTraceparent } from '../core/trace-context.ts';
export type { MetricName } from '../telemetry/catalog.ts';
export type { Logger } from '../telemetry/logger.ts';
export type { Counter, HistogramRecorder, Labels, Stats } from '../telemetry/stats.ts';
export { openingTemplate, type Step, template } from './connect-messages.ts';
export { type RemoteSettings, remoteShape, remoteUrl, tlsSettings } from './connect-settings.ts';
export { mistakenUses } from './connect-uses.ts';
export type {
  ComponentContext,
  ComponentTracing,
  CursorStore,
  EndpointPort,
  GatewayPorts,
  SavedCursor,
  SubscribeOptions,
  TopicPort,
} from './context.ts';
export {
  type CodecSpec,
  type ComponentSpec,
  defineCodec,
  defineOperator,
  defineProcessor,
  defineSink,
  defineSource,
  type Kind,
  type OperatorSpec,
  type ProcessorSpec,
  type Reference,
  type Sharing,
  type SinkSpec,
  type SourceSpec,
} from './define.ts';
export type { Example, ExampleMessage } from './example.ts';
export { compileExpression, type Expression } from './expression.ts';
export { Draft, FieldPath, isJsonObject, setField } from './field-path.ts';
export * as field from './fields.ts';
export type { ConnectTemplate, HandshakeText, RemoteUrl } from './handshake.ts';
export { pointInTime } from './point-in-time.ts';
export { SchemaCheck } from './schema-check.ts';
export type { Matcher, Template } from './template.ts';
export { evaluateTemplate, notA, type TemplateValue, together } from './template-value.ts';
