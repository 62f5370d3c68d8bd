import type { ConfigObject, GatewayOptions } from '../index.ts';

/**
 * What `connect standalone` runs. A worker's properties know nothing of traces and metrics, so these come from the
 * variables that our own configurations read: JAEGER_ENDPOINT, TRACE_SAMPLE and ADMIN_PORT.
 */
export function standaloneOptions(
  worker: string,
  connectors: readonly string[],
  { JAEGER_ENDPOINT, TRACE_SAMPLE, ADMIN_PORT }: NodeJS.ProcessEnv,
): GatewayOptions {
  const config: ConfigObject = {
    ...(ADMIN_PORT ? { admin: { port: ADMIN_PORT } } : {}),
    ...(JAEGER_ENDPOINT
      ? { tracing: { endpoint: JAEGER_ENDPOINT, ...(TRACE_SAMPLE ? { sample: TRACE_SAMPLE } : {}) } }
      : {}),
  };
  return { config, standalone: { worker, connectors } };
}
