import fc from 'fast-check';
import type { Operator } from '../../core/component.ts';
import type { StatefulOperator } from '../../core/stateful-operator.ts';
import type { OperatorSpec } from '../../sdk/define.ts';
import { makeComponent } from '../../sdk/make.ts';
import { anyContent } from '../arbitraries/message.ts';
import { keeps } from './breach.ts';
import { type ComponentLawOptions, exampleContents, gatewayOf, settingsOf } from './component.ts';
import { JOIN_RULES, joinCases, shownJoin } from './join-laws.ts';
import { type Law, lawOf, type Rule, type Settings } from './law.ts';
import { PassingRun, type PassingStep, passingSteps, shownStep } from './passing-laws.ts';
import { STATE_RULES, shownState, stateCases } from './stateful-laws.ts';

export interface OperatorLawOptions extends ComponentLawOptions {
  /** Payloads of records for an operator with state. `at`, the time of the record in milliseconds, is added. */
  readonly records?: fc.Arbitrary<object>;
}

/** What every operator has to keep to. Those with state have laws of their own, as they are read again after a crash. */
export function operatorLaws(spec: OperatorSpec, options: OperatorLawOptions = {}): Law[] {
  const settings = settingsOf(spec, options);
  const made = settings.map((one) => makeComponent(spec, one.parsed, gatewayOf(options).context));
  if (made.some((one) => 'pair' in one)) return joinLaws(spec, options, settings);
  return made.some((one) => 'partition' in one)
    ? statefulLaws(spec, options, settings)
    : passingLaws(spec, options, settings);
}

function passingLaws(spec: OperatorSpec, options: OperatorLawOptions, settings: readonly Settings[]): Law[] {
  const known = exampleContents(spec);
  const any = known.length === 0 ? anyContent : fc.oneof(anyContent, fc.constantFrom(...known));
  const inputs = passingSteps(options.messages ?? any);
  const shared = {
    inputs,
    show: (steps: readonly PassingStep[]) => steps.map(shownStep),
    advice: 'end a message that cannot be treated with host.fail(message, error)',
  };
  const runOf = async ({ parsed }: Settings, steps: readonly PassingStep[]) => {
    const { context, clock } = gatewayOf(options);
    const operator = makeComponent(spec, parsed, context);
    const run = new PassingRun(operator as Operator, clock);
    await run.run(steps);
    return run;
  };
  const add = (
    says: string,
    check: (run: PassingRun) => void,
    appliesTo: (one: Settings) => boolean = () => true,
  ): Law => {
    const rule: Rule<Settings, readonly PassingStep[]> = {
      ...shared,
      says,
      check: async (one, steps) => check(await runOf(one, steps)),
    };
    return lawOf(spec.name, options, settings.filter(appliesTo), rule);
  };
  const repeats: Rule<Settings, readonly PassingStep[]> = {
    ...shared,
    says: 'does the same with the same messages',
    check: async (one, steps) => {
      const first = (await runOf(one, steps)).decisions;
      const second = (await runOf(one, steps)).decisions;
      const at = first.findIndex((decision, index) => decision !== second[index]);
      keeps(
        at < 0,
        `at first it did "${first[at]}", and from another instance "${second[at]}"`,
        'take nothing from chance or variables outside of the instance, or say isRepeatable: false in the component',
      );
    },
  };
  const { isRepeatable = true } = spec;
  const isSo = ({ parsed }: Settings) =>
    typeof isRepeatable === 'function' ? isRepeatable(parsed as never) : isRepeatable;
  return [
    add('passes on messages that are not settled', (run) => run.checkPassed()),
    add('passes on or ends each message, once', (run) => run.checkOnce()),
    add('keeps the order of each key', (run) => run.checkOrder()),
    add('completes when its input does', (run) => run.checkEnd()),
    lawOf(spec.name, options, settings.filter(isSo), repeats),
  ];
}

function statefulLaws(spec: OperatorSpec, options: OperatorLawOptions, settings: readonly Settings[]): Law[] {
  const inputs = stateCases(options.records ?? fc.constant({}));
  return STATE_RULES.map(({ says, check }) =>
    lawOf(spec.name, options, settings, {
      says,
      inputs,
      show: shownState,
      advice: ADVICE,
      check: ({ parsed }, story) =>
        check((late = false) => {
          const { context, clock } = gatewayOf(options);
          if (late) clock.advance(LATER);
          return makeComponent(spec, parsed, context) as StatefulOperator;
        }, story),
    }),
  );
}

function joinLaws(spec: OperatorSpec, options: OperatorLawOptions, settings: readonly Settings[]): Law[] {
  const inputs = joinCases(options.records ?? fc.constant({}));
  return JOIN_RULES.map(({ says, check }) =>
    lawOf(spec.name, options, settings, {
      says,
      inputs,
      show: shownJoin,
      advice: ADVICE,
      check: ({ parsed }, story) =>
        check(() => makeComponent(spec, parsed, gatewayOf(options).context) as never, story),
    }),
  );
}

/** Milliseconds. */
const LATER = 12_345_678;

const ADVICE =
  'throw in take alone, and nothing but what is wrong with that record: it fails, and the state stays as it was';
