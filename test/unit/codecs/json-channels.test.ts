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

test('a publish of a client that may is its data as written, for the channel, with the id as it came', () => {
  const { state: publishes } = codec.open({ ...client, publishes: true }, NOW);
  const data = '{"n": 12345678901234567890.10, "a":[1 , 2]}';
  const [effect] = send(`{"data":0,"type":"publish","channel":"symbol.X","data": ${data} ,"id":1.0}`, publishes);
  assert.ok(effect?.type === 'publish');
  const { channel, correlation, message } = effect;
  assert.deepEqual([channel, correlation, message.payload.toString()], ['symbol.X', '1.0', data]);
  assert.deepEqual(message.json, JSON.parse(data));
  const plain = published(send('{"type":"publish","channel":"symbol.X","data":1}'));
  assert.equal(plain.message.payload.toString(), '{"type":"publish","channel":"symbol.X","data":1}');
});

test('the payload of a publish does not keep the rest of its frame in memory', () => {
  const { state: publishes } = codec.open({ ...client, publishes: true }, NOW);
  const [effect] = send(`{"type":"publish","channel":"x","data":1,"more":"${'x'.repeat(200_000)}"}`, publishes);
  assert.ok(effect?.type === 'publish');
  assert.ok(effect.message.payload.buffer.byteLength < 100_000);
});

test('a publish without data is refused with its id, and one without a channel is of no channel', () => {
  const { state: publishes } = codec.open({ ...client, publishes: true }, NOW);
  const [refused] = send('{"type":"publish","channel":"x","id":7}', publishes);
  assert.ok(refused?.type === 'reply');
  assert.equal(refused.rejected, 'no_data');
  assert.deepEqual(read(refused.frame), {
    type: 'error',
    id: 7,
    code: 'TG_MESSAGE_INVALID',
    message: 'publish needs data, which is any JSON value',
    retryable: false,
  });
  for (const channel of ['', ',"channel":7']) {
    const [effect] = send(`{"type":"publish"${channel},"data":null}`, publishes);
    assert.ok(effect?.type === 'publish');
    assert.deepEqual([effect.channel, effect.message.payload.toString()], ['', 'null']);
  }
});
