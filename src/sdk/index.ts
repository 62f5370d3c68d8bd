/** The only module that components import, ours and those of plugins. */
export { z } from 'zod';
export type { UrlRule } from '../core/address.ts';
export { type BackoffOptions, backoffDelay } from '../core/backoff.ts';
export { Batch } from '../core/batch.ts';
export { explainValidity } from '../core/certificate.ts';
export { type ChannelPosition, parsePosition, positionText } from '../core/channel-position.ts';
export type {
  ChannelProtocol,
  GapReason,
  HistoryProtocol,
  PresenceProtocol,
  SubscriptionFacts,
} from '../core/channel-protocol.ts';
export type { Clock } from '../core/clock.ts';
export type {
  Codec,
  Introduction,
  IntroductionFacts,
  IntroductionRefusal,
  Operator,
  OperatorHost,
  Processor,
  ProcessorCall,
  Renewal,
  Sink,
  Source,
} from '../core/component.ts';
export type { ConnectionInfo } from '../core/connection-info.ts';
export { type CodecMessage, copiedHeaders, copiedKey, copyOf, type Meta } from '../core/content.ts';
export type { Effect } from '../core/effect.ts';
export {
  asTidegateError,
  type ErrorCode,
  type NextStep,
  type Rejection,
  reasonOf,
  TidegateError,
} from '../core/errors.ts';
export { asWritten, ExactNumber, parseAsWritten, writeJson } from '../core/exact-number.ts';
export { fileVersion } from '../core/file-version.ts';
export type { Farewell, Frame } from '../core/frame.ts';
export {
  allHeaders,
  type Header,
  type Headers,
  type HeaderValue,
  lastHeader,
  textOrBase64,
  withAddedHeader,
  withHeader,
  withoutHeader,
} from '../core/headers.ts';
export { readBody } from '../core/http-body.ts';
export { countFields, JsonPath, repeatedField } from '../core/json-path.ts';
export type { KeptQuery, KeptRecords } from '../core/kept-records.ts';
export type { StartPosition, TopicPartition, TopicSpec } from '../core/log.ts';
export type { Identity, Member, MemberEvent, Membership, RosterChange } from '../core/membership.ts';
export {
  Message,
  type MessageInit,
  type Outcome,
  type Sender,
  type SettleTarget,
  type TraceContext,
} from '../core/message.ts';
export type { ChannelPresence, PresenceChange, PresentClient } from '../core/presence.ts';
export { hasUnprintable } from '../core/printable.ts';
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
export { readsBack } from '../core/round-trip.ts';
export { displayUrl, secretsOfUrl, withoutSecrets } from '../core/secrets.ts';
export type {
  CompletedByRecord,
  EndedByTime,
  Hold,
  JoiningOperator,
  PairOperator,
  PairPort,
  PairRelease,
  PartitionOperator,
  PartitionPort,
  Release,
  Repeatable,
  Side,
  StatefulOperator,
  Taken,
} from '../core/stateful-operator.ts';
export { readTlsFiles, type TlsFiles } from '../core/tls-files.ts';
export { BucketRule } from '../core/token-bucket.ts';
export type { TopicProtocol } from '../core/topic-protocol.ts';
export type {
  Position,
  SubscriptionRequest,
  TopicOutcome,
  TopicRequest,
  TopicResult,
  TopicView,
} from '../core/topic-request.ts';
export { parseTraceparent } from '../core/trace-context.ts';
export type { Quota } from '../core/units.ts';
export { isTooLargeUnzipped, unzip, type ZippedFormat, zippedFormatOf } from '../core/unzip.ts';
export { pause } from '../core/waiting.ts';
export type { MetricName } from '../telemetry/catalog.ts';
export type { Logger } from '../telemetry/logger.ts';
export type { Counter, HistogramRecorder, Labels, Stats } from '../telemetry/stats.ts';
export type { ComponentSpan, SpanAttributes } from '../telemetry/tracing.ts';
export type { AnswerTemplate } from './answer-template.ts';
export {
  matcher,
  openingStep,
  openingTemplate,
  rejectMatcher,
  type Step,
  type Subscription,
  template,
} from './connect-messages.ts';
export { type RemoteSettings, remoteShape, remoteUrl } from './connect-settings.ts';
export type { ConnectTemplate } from './connect-template.ts';
export type { ConnectUrl } from './connect-url.ts';
export { mistakenUses } from './connect-uses.ts';
export type {
  ComponentContext,
  ComponentState,
  ComponentTracer,
  ComponentTracing,
  ConnectedContext,
  ContextWith,
  CursorStore,
  EndpointPort,
  FollowOptions,
  GatewayPort,
  GatewayPorts,
  NamedTopicPort,
  NamedTopics,
  SavedCursor,
  SubscribeOptions,
  TopicFollower,
  TopicPattern,
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
  type InnerSink,
  type InnerValue,
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
export { type Fold, type Folded, foldedOf } from './fold.ts';
export { type HandshakeText, isHeaderName, isHeaderValue } from './handshake.ts';
export type { HttpUrl } from './http-url.ts';
export { linearTest } from './linear-regex.ts';
export { makeInnerSink } from './make.ts';
export { pointInTime } from './point-in-time.ts';
export { overlappingReconnect } from './reconnect-settings.ts';
export { SchemaCheck } from './schema-check.ts';
export type { Matcher } from './template.ts';
export { evaluateTemplate, evaluateTexts, notA, type TemplateValue, together } from './template-value.ts';
export { tlsSettings } from './tls-settings.ts';
