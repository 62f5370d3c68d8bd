import assert from 'node:assert/strict';
import { test } from 'node:test';
import { json } from '../../../src/codecs/json.ts';
import { Message } from '../../../src/core/message.ts';
import { make, NOW, published, read } from './made.ts';

const codec = make(json);
const client = { clientId: 'c', endpoint: 'e', params: {}, query: {} };
const { state } = codec.open({ ...client, subscribes: true }, NOW);
const send = (text: string, of = state) => codec.frame(of, Buffer.from(text), false, NOW);
const publication = (payload: string, channel: string | undefined, meta = {}) =>
  codec.channels?.publication(channel, new Message(Buffer.from(payload), { meta }), undefined, NOW);

test('frames of a client that may subscribe ask for channels, with their id as it came', () => {
  assert.deepEqual(send('{"type":"subscribe","channel":"symbol.X","id":1.0}'), [
    { type: 'subscribe', channel: 'symbol.X', correlation: '1.0' },
  ]);
  assert.deepEqual(send('{"type":"unsubscribe","channel":"symbol.X"}'), [
    { type: 'unsubscribe', channel: 'symbol.X', correlation: undefined },
  ]);
});

test('a channel that is no text is one that no channel is called, and is never a message', () => {
  for (const channel of ['7', 'null', '{}', '[]'])
    assert.deepEqual(send(`{"type":"subscribe","channel":${channel}}`), [
      { type: 'subscribe', channel: '', correlation: undefined },
    ]);
  assert.deepEqual(send('{"type":"subscribe"}'), [{ type: 'subscribe', channel: '', correlation: undefined }]);
});

test('the same frames of other clients are messages', () => {
  const { state: other } = codec.open(client, NOW);
  published(send('{"type":"subscribe","channel":"symbol.X"}', other));
  published(send('{"type":"subscribed","channel":"symbol.X"}'));
});

test('answers have the id and the channel; one that no channel can have is not repeated', () => {
  const { channels } = codec;
  assert.deepEqual(read(channels?.subscribed(state, '1', 'x', {}, NOW) ?? null), {
    type: 'subscribed',
    id: 1,
    channel: 'x',
  });
  assert.deepEqual(read(channels?.unsubscribed(state, undefined, 'x', null, NOW) ?? null), {
    type: 'unsubscribed',
    channel: 'x',
  });
  const rejection = { code: 'TG_NOT_ALLOWED', message: 'no', retryable: false };
  const ended = channels?.unsubscribed(state, undefined, 'x', rejection, NOW) ?? null;
  assert.deepEqual(read(ended), { type: 'unsubscribed', channel: 'x', ...rejection });
  const refused = (name: string) => read(channels?.refused(state, '"a"', name, rejection, NOW) ?? null);
  assert.deepEqual(refused('x'), { type: 'error', id: 'a', channel: 'x', ...rejection });
  for (const name of ['', 'x'.repeat(256)]) assert.deepEqual(refused(name), { type: 'error', id: 'a', ...rejection });
});

test('a record of a channel is the data of a message, untouched, and of no channel where it is for all', () => {
  const text = '{"n": 12345678901234567890.10}';
  assert.equal(String(publication(text, 'a"b')?.data), `{"type":"message","channel":"a\\"b","data":${text}}`);
  assert.equal(String(publication('no JSON', undefined)?.data), '{"type":"message","data":"no JSON"}');
  assert.equal(publication('', 'x', { tombstone: true }), null);
});
