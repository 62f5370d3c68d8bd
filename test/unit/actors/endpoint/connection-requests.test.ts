import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AskedRequest, type PendingRequest, Requests } from '../../../../src/actors/endpoint/requests.ts';
import { turn } from '../rig.ts';

const list: AskedRequest = { type: 'list' };
const health: AskedRequest = { type: 'health' };
const other = { type: 'unsubscribe' } as AskedRequest;

/** What a peer asks; `asked` has what went on so far. */
function setUp() {
  const asked: PendingRequest[] = [];
  const peer = { takesAnswers: true };
  const requests = new Requests({
    get takesAnswers() {
      return peer.takesAnswers;
    },
    ask: (pending) => void asked.push(pending),
  });
  const names = () => asked.map(({ correlation }) => correlation);
  return { requests, asked, peer, names };
}

test('a request counts with its frame and 256 bytes until it is answered', () => {
  const { requests, asked } = setUp();
  requests.begin(other, 'a', 10);
  requests.begin(list, 'b', 20);
  requests.begin(health, 'c', 30);
  assert.deepEqual([requests.count, requests.bytes], [3, 60 + 3 * 256]);
  const [a] = asked;
  assert.deepEqual(a, { request: other, correlation: 'a', cost: 266 });
  requests.end(a as PendingRequest);
  assert.deepEqual([requests.count, requests.bytes], [2, 50 + 2 * 256]);
});

test('questions are asked one after the other, a turn after the answer to the one before; requests at once', async () => {
  const { requests, asked, names } = setUp();
  requests.begin(list, 'a', 0);
  requests.begin(health, 'b', 0);
  requests.begin(other, 'c', 0);
  requests.begin(list, 'd', 0);
  assert.deepEqual(names(), ['a', 'c']);
  requests.end(asked[1] as PendingRequest);
  await turn();
  assert.deepEqual(names(), ['a', 'c'], 'the answer to a request is none to the question');
  requests.end(asked[0] as PendingRequest);
  assert.deepEqual(names(), ['a', 'c'], 'the event loop turns first');
  requests.next();
  requests.begin(list, 'e', 0);
  assert.deepEqual(names(), ['a', 'c'], 'whatever happens meanwhile');
  await turn();
  assert.deepEqual(names(), ['a', 'c', 'b']);
  requests.end(asked[2] as PendingRequest);
  await turn();
  requests.end(asked[3] as PendingRequest);
  await turn();
  assert.deepEqual(names(), ['a', 'c', 'b', 'd', 'e']);
  requests.end(asked[4] as PendingRequest);
  assert.deepEqual([requests.count, requests.bytes], [0, 0]);
  requests.begin(health, 'f', 0);
  assert.deepEqual(names().at(-1), 'f', 'with nothing in front of it a question is asked at once');
});

test('a question waits until the peer takes answers', async () => {
  const { requests, peer, names } = setUp();
  peer.takesAnswers = false;
  requests.begin(list, 'a', 0);
  requests.begin(other, 'b', 0);
  requests.next();
  assert.deepEqual(names(), ['b']);
  peer.takesAnswers = true;
  requests.next();
  assert.deepEqual(names(), ['b', 'a']);
});

test('what was not asked when the peer goes never is', async () => {
  const { requests, asked, names } = setUp();
  requests.begin(list, 'a', 0);
  requests.begin(list, 'b', 0);
  requests.abandon();
  requests.end(asked[0] as PendingRequest);
  await turn();
  requests.next();
  assert.deepEqual(names(), ['a']);
});
