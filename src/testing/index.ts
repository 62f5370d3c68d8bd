/**
 * What tests a configuration, a pipeline or a plugin, without ports and without Kafka, in virtual time: for programs and
 * test runners of any kind (what fails throws).
 *
 * @module testing
 */
export type { Clock } from '../core/clock.ts';
export type { LogCase } from './contract/case.ts';
export type { LogFactory, LogUnderTest } from './contract/fixture.ts';
export { type LogFixture, logContract } from './contract/log-contract.ts';
export { codecLaws } from './laws/codec-laws.ts';
export { LawGateway } from './laws/law-gateway.ts';
export { processorLaws } from './laws/processor-laws.ts';
export { sinkLaws } from './laws/sink-laws.ts';
export { sourceLaws } from './laws/source-laws.ts';
