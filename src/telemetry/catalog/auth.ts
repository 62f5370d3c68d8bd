import type { MetricEntries } from './entry.ts';

/** Who clients and operators are. */
export const AUTH_METRICS = {
  tidegate_auth_total: {
    kind: 'counter',
    help: 'Credentials of clients and operators that were checked, by entry of auth and result: accepted, or the reason of the refusal.',
    labels: ['auth', 'result'],
  },
  tidegate_auth_keys_age_seconds: {
    kind: 'gauge',
    help: 'Time since the keys of a key server were fetched (auth.NAME.jwt.jwks).',
    labels: ['auth'],
  },
} as const satisfies MetricEntries;
