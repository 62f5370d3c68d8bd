import { carriesBaggage } from '../../core/baggage.ts';
import type { TraceFormatName } from '../../core/trace-format.ts';
import { doubting, type Finding, failing } from '../problem/problem.ts';
import { inPlaceOf, isFollowed } from '../problem/samplers.ts';
import type { ParsedConfig } from '../schema/schema.ts';
import type { Environment } from '../yaml/interpolate.ts';

/** Settings of traces that do not go together. */
export function lintTracing({ tracing }: ParsedConfig): Finding[] {
  if (!tracing.baggage || tracing.propagators.some(carriesBaggage)) return [];
  return [failing(['tracing', 'baggage'], 'b3 has no headers for baggage; add w3c or jaeger to tracing.propagators')];
}

/** Variables that set the sampler elsewhere, by its type and its parameter. */
const SAMPLERS = [
  ['JAEGER_SAMPLER_TYPE', 'JAEGER_SAMPLER_PARAM'],
  ['OTEL_TRACES_SAMPLER', 'OTEL_TRACES_SAMPLER_ARG'],
] as const;
const PROPAGATORS = ['JAEGER_PROPAGATION', 'OTEL_PROPAGATORS'] as const;
/** Where clients of Jaeger's agent look for it. */
const AGENT = 'JAEGER_AGENT_HOST';
const FORMATS: Readonly<Record<string, TraceFormatName>> = {
  tracecontext: 'w3c',
  w3c: 'w3c',
  b3: 'b3',
  b3multi: 'b3',
  jaeger: 'jaeger',
};

/** Variables that set up traces elsewhere. They have no effect here, so setting them is a mistake. */
export function tracingVariables(
  { tracing }: Pick<ParsedConfig, 'tracing'>,
  env: Environment,
  read: readonly string[],
): Finding[] {
  if (tracing.exporter === 'none') return [];
  if (tracing.endpoint === '' && tracing.exporter !== 'console') return agentVariable(env, read);
  const found: Finding[] = [];
  for (const [type, param] of SAMPLERS) {
    const name = env[type];
    if (!name || read.includes(type) || read.includes(param)) continue;
    const advice = inPlaceOf(name, env[param]);
    if (isFollowed(advice, tracing)) continue;
    const text = `${type} is ${name}, which is not read here; under tracing, ${advice}`;
    found.push(doubting(['tracing', 'sample'], text));
  }
  for (const variable of PROPAGATORS) {
    const names = read.includes(variable) ? '' : (env[variable] ?? '');
    const formats = names.split(',').flatMap((name) => FORMATS[name.trim().toLowerCase()] ?? []);
    if (formats.every((format) => tracing.propagators.includes(format))) continue;
    const list = [...new Set(formats)].join(', ');
    const text = `${variable} is ${names}, which is not read here; under tracing, write propagators: [${list}]`;
    found.push(doubting(['tracing', 'propagators'], text));
  }
  return found;
}

function agentVariable(env: Environment, read: readonly string[]): Finding[] {
  const host = env[AGENT];
  if (!host || read.includes(AGENT)) return [];
  const text = `${AGENT} is ${host}, which is not read here: spans go over HTTP, and traces are off without endpoint: http://${host}:14268/api/traces`;
  return [doubting(['tracing', 'endpoint'], text)];
}
