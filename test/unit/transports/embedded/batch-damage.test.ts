import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { Message } from '../../../../src/core/message.ts';
import { damageIn } from '../../../../src/transports/embedded/records/batch-damage.ts';
import { encodeBatches, outgoing } from '../../../../src/transports/embedded/records/batch-format.ts';
import { glance, withOnly } from '../../../../src/transports/embedded/records/batch-reading.ts';
import { asVersion2 } from '../../../helpers/embedded-damage.ts';

describe('damage in a stored batch', () => {
  test('is noticed whichever byte is changed', () => {
    const whole = batch();
    assert.equal(damageIn(whole), undefined);
    for (let at = 0; at < whole.length; at += 1) {
      const value = Buffer.from(whole);
      value.writeUInt8(value.readUInt8(at) ^ 0x10, at);
      assert.match(damageIn(value) ?? `a change at ${at} is not noticed`, /^damaged: /);
    }
  });

  test('is noticed wherever it is cut', () => {
    const whole = batch();
    for (let length = 0; length < whole.length; length += 1)
      assert.match(damageIn(whole.subarray(0, length)) ?? `${length} bytes are enough`, /^damaged: /);
  });

  test('is never made by taking records out', () => {
    const whole = batch();
    const kept = [...glance(whole, 0)].filter(({ offset }) => offset !== 1);
    assert.equal(damageIn(withOnly(whole, kept)), undefined);
  });

  test('is noticed without a checksum where its lengths do not fit, and nothing throws', () => {
    const whole = asVersion2(batch());
    assert.equal(damageIn(whole), undefined);
    for (let length = 0; length < whole.length; length += 1)
      assert.match(damageIn(whole.subarray(0, length)) ?? `${length} bytes are enough`, /^damaged: /);
    fc.assert(
      fc.property(fc.nat({ max: whole.length - 5 }), fc.uint8Array({ minLength: 4, maxLength: 4 }), (at, bytes) => {
        const value = Buffer.from(whole);
        value.set(bytes, at);
        const reason = damageIn(value);
        if (reason !== undefined) return;
        // What is taken for whole can be read.
        assert.equal([...glance(value, 0)].at(-1)?.end, value.length);
      }),
    );
  });

  test('that makes a length negative is damage, also where everything else fits', () => {
    const [encoded] = encodeBatches([outgoing(new Message(Buffer.from('x'), { key: '' }), 0)]);
    assert.ok(encoded !== undefined);
    const value = asVersion2(encoded.value);
    value.writeInt32LE(-5, 17 + 12);
    assert.match(damageIn(value) ?? '', /do not end where it ends/);
  });
});

function batch(): Buffer {
  const messages = ['one', 'two', 'three'].map(
    (text, at) => new Message(Buffer.from(text), { key: `k${at}`, headers: [['h', Buffer.from('v')]], timestamp: 7 }),
  );
  const [encoded] = encodeBatches(messages.map((message) => outgoing(message, 0)));
  assert.ok(encoded !== undefined);
  return encoded.value;
}
