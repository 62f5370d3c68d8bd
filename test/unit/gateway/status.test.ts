import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pipeline } from '../../../src/actors/pipeline/pipeline.ts';
import type { GatewayContext } from '../../../src/gateway/gateway-context.ts';
import { GatewayStatus } from '../../../src/gateway/status.ts';

function pipelineOf(notReadyReason: string | undefined, failure?: Error) {
  return { notReadyReason, failure } as { -readonly [K in 'notReadyReason' | 'failure']: Pipeline[K] };
}

test('what a reload brings counts for readiness once it has run or failed, and the start always', () => {
  const ongoing = [pipelineOf('the first is starting')];
  const context = {
    link: { isUp: true },
    log: { driver: 'embedded' },
    events: { emit: () => {} },
  } as unknown as GatewayContext;
  const status = new GatewayStatus(context, {
    endpoints: { byName: new Map(), all: [] },
    pipelines: { ongoing: ongoing as unknown as Pipeline[] },
    preparation: { notReadyReason: undefined },
  });
  status.phase.enter('starting');
  status.phase.enter('running');
  assert.deepEqual(status.reasons, ['the first is starting']);
  const [first] = ongoing;
  assert.ok(first);
  first.notReadyReason = undefined;
  status.readiness.begin();
  first.notReadyReason = 'the first broke';
  assert.deepEqual(status.reasons, ['the first broke']);
  first.notReadyReason = undefined;

  const second = pipelineOf('the second is starting');
  ongoing.push(second);
  assert.deepEqual(status.reasons, []);
  second.notReadyReason = undefined;
  assert.deepEqual(status.reasons, []);
  second.notReadyReason = 'the second broke';
  assert.deepEqual(status.reasons, ['the second broke']);
  ongoing.pop();
  ongoing.push(pipelineOf('the third cannot be opened', new Error('no')));
  assert.deepEqual(status.reasons, ['the third cannot be opened']);
});
