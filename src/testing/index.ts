/**
 * What tests a configuration, a pipeline or a plugin, without ports and without Kafka, in virtual time: for programs and
 * test runners of any kind (what fails throws).
 *
 * @module testing
 */
export type { Clock } from '../core/clock.ts';
export * as arbitraries from './arbitraries/index.ts';
export type { CaseContext, LogCase } from './contract/case.ts';
export type { LogFactory, LogUnderTest } from './contract/fixture.ts';
export { type LogFixture, logContract } from './contract/log-contract.ts';
export { type CodecLawOptions, codecLaws, type Kept } from './laws/codec-laws.ts';
export type { ComponentLawOptions } from './laws/component.ts';
export { checkAll, type Law, LawError, type LawOptions } from './laws/law.ts';
export { type Fate, LawGateway } from './laws/law-gateway.ts';
export { type OperatorLawOptions, operatorLaws } from './laws/operator-laws.ts';
export { type ProcessorLawOptions, processorLaws } from './laws/processor-laws.ts';
export { type SinkLawOptions, sinkLaws } from './laws/sink-laws.ts';
export { type SourceLawOptions, sourceLaws } from './laws/source-laws.ts';
export type { Closed, SimulatedClient } from './simulation/client.ts';
export type { ConnectOptions } from './simulation/door.ts';
export type { LogFaults, SendFault } from './simulation/faults.ts';
export { type Connected, connect, type Pause, runPipeline } from './simulation/kit.ts';
export { MemoryLog, type MemoryLogOptions } from './simulation/memory-log.ts';
export type { Fed, InputMessage, OutputMessage } from './simulation/messages.ts';
export type { Mock, Mocks } from './simulation/mocks.ts';
export { type ConfigSource, SimulatedConfig } from './simulation/simulated-config.ts';
export { Simulation, type SimulationOptions } from './simulation/simulation.ts';
export { TestClock } from './simulation/test-clock.ts';
