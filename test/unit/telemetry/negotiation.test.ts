import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFor } from '../../../src/telemetry/negotiation.ts';

const OPEN = 'application/openmetrics-text';

test('OpenMetrics is for clients that ask for it and do not prefer the text', () => {
  const cases: [accept: string | undefined, format: 'text' | 'openmetrics'][] = [
    // What Prometheus 2 and 3 ask for, and curl, and a browser.
    [`${OPEN};version=1.0.0;q=0.5,${OPEN};version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2`, 'openmetrics'],
    ['text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
    [undefined, 'text'],
    ['', 'text'],
    [OPEN, 'openmetrics'],
    [`${OPEN}; version="1.0.0"; charset=utf-8`, 'openmetrics'],
    [`Application/OpenMetrics-Text; Version=1.0.0`, 'openmetrics'],
    // A version that we do not write.
    [`${OPEN};version=0.0.1`, 'text'],
    [`${OPEN};version=2.0.0,text/plain;q=0.1`, 'text'],
    [`${OPEN};q=0`, 'text'],
    [`${OPEN};q=none`, 'text'],
    [`${OPEN};q=0.4,text/plain;q=0.5`, 'text'],
    [`${OPEN};q=0.4,text/*;q=0.5`, 'text'],
    [`text/plain;q=0.3,*/*;q=0.9,${OPEN};q=0.5`, 'openmetrics'],
    [`text/plain,${OPEN}`, 'openmetrics'],
    ['application/*', 'text'],
    // No client is sent away.
    ['image/png', 'text'],
  ];
  for (const [accept, format] of cases) assert.equal(formatFor(accept), format, accept);
});
