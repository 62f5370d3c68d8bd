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
export { JsonPath } from '../core/json-path.ts';
export type { StartPosition, TopicPartition, TopicSpec } from '../core/log.ts';
export {
  type CodecMessage,
  Message,
  type MessageInit,
  type Meta,
  type Outcome,
  type Sender,
  type SettleTarget,
  type TraceContext,
} from '../core/message.ts';
export type {
  Position,
  SubscriptionRequest,
  TopicOutcome,
  TopicRequest,
  TopicResult,
} from '../core/topic-request.ts';
export { parseTraceparent } from '../core/trace-context.ts';
export type { MetricName } from '../telemetry/catalog.ts';
export type { Logger } from '../telemetry/logger.ts';
export type { Counter, HistogramRecorder, Labels, Stats } from '../telemetry/stats.ts';
export { valuelessUses } from './connect-uses.ts';
export type { ComponentContext, EndpointPort, GatewayPorts, SubscribeOptions, TopicPort } from './context.ts';
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
export { compileExpression, type Expression } from './expression.ts';
export * as field from './fields.ts';
export type { ConnectTemplate, HandshakeText, RemoteUrl } from './handshake.ts';
export {
  type FeedSettings,
  openingTemplate,
  type RemoteSettings,
  type RemoteSinkSettings,
  remoteShape,
  remoteUrl,
  type Step,
  template,
} from './remote.ts';
export type { Matcher, Template } from './template.ts';
