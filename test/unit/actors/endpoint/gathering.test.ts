import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gathering } from '../../../../src/actors/endpoint/gathering.ts';
import { FrameGroup, SharedFrame } from '../../../../src/core/shared-frame.ts';
import { encode, turn } from '../rig.ts';

const group = (text: string) => new FrameGroup([new SharedFrame({ data: text, binary: false }, encode)]);

test('a client is in once each of its channels is settled, behind the step that settles the last one', async () => {
  const steps: string[] = [];
  const gathering = new Gathering(['a', 'b', 'c'], () => steps.push('complete'));
  gathering.settle('a', { recovered: true });
  gathering.settle('b', undefined);
  await turn();
  assert.equal(steps.length, 0);
  gathering.settle('c', {});
  steps.push('behind');
  await turn();
  assert.deepEqual(steps, ['behind', 'complete']);
  assert.deepEqual(
    [...gathering.facts],
    [
      ['a', { recovered: true }],
      ['c', {}],
    ],
  );
});

test('a channel that is settled twice does not count for another one', async () => {
  let completed = 0;
  const gathering = new Gathering(['a', 'b'], () => {
    completed += 1;
  });
  gathering.settle('a', {});
  gathering.settle('a', {});
  gathering.settle('b', {});
  gathering.settle('b', {});
  await turn();
  assert.equal(completed, 1);
});

test('records that come meanwhile wait in their order, and count until they are taken', () => {
  const gathering = new Gathering(['a'], () => {});
  gathering.keep(group('one'), true, 'plain');
  gathering.keep(group('three'), false, 'plain');
  assert.equal(gathering.bytes, 'one|three|'.length);
  assert.deepEqual(
    gathering.takeWaiting().map(({ group, isOwn }) => [group.on('plain').chunk.toString(), isOwn]),
    [
      ['one|', true],
      ['three|', false],
    ],
  );
  assert.equal(gathering.bytes, 0);
});
