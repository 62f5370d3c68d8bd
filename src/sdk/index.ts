/** The only module that components import, ours and those of plugins. */
export { z } from 'zod';
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
export { asTidegateError, type Rejection, TidegateError } from '../core/errors.ts';
export { asWritten, ExactNumber, writeJson } from '../core/exact-number.ts';
export { JsonPath } from '../core/json-path.ts';
export type { StartPosition, TopicPartition, TopicSpec } from '../core/log.ts';
export { type CodecMessage, type Headers, Message, type Meta, type SettleTarget } from '../core/message.ts';
export type {
  Position,
  SubscriptionRequest,
  TopicOutcome,
  TopicRequest,
  TopicResult,
} from '../core/topic-request.ts';
export type { Logger } from '../telemetry/logger.ts';
export type { Stats } from '../telemetry/stats.ts';
export type { ComponentContext, EndpointPort, GatewayPorts, SubscribeOptions, TopicPort } from './context.ts';
export { defineCodec, defineOperator, defineProcessor, defineSink, defineSource } from './define.ts';
export { compileExpression, type Expression } from './expression.ts';
export * as field from './fields.ts';
export { openingTemplate, remoteShape, remoteUrl, template } from './remote.ts';
