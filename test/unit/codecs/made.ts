import assert from 'node:assert/strict';
import type { Codec } from '../../../src/core/component.ts';
import type { Effect } from '../../../src/core/effect.ts';
import type { Frame } from '../../../src/core/frame.ts';
import type { CodecSpec } from '../../../src/sdk/define.ts';

export const NOW = Date.parse('2024-01-01T12:00:00.000Z');

export function make(spec: CodecSpec, config: unknown = {}): Codec {
  // A codec is a pure function and uses nothing of the gateway.
  return spec.create(spec.config.parse(config), undefined as never);
}

export const read = (frame: Frame | null) =>
  JSON.parse(String((frame ?? { data: 'null' }).data)) as Record<string, unknown>;

export function only(effects: readonly Effect[]): Effect {
  if (effects.length !== 1) throw new Error(`expected one effect, got ${effects.length}`);
  return effects[0] as Effect;
}

export function published(effects: readonly Effect[]): Extract<Effect, { type: 'publish' }> {
  const effect = only(effects);
  if (effect.type !== 'publish') throw new Error(`expected a publish, got ${JSON.stringify(effect)}`);
  return effect;
}

export function refused(effects: readonly Effect[]): { reason: string | undefined; frame: Record<string, unknown> } {
  const effect = only(effects);
  if (effect.type !== 'reply') throw new Error(`expected a reply, got ${effect.type}`);
  const frame = read(effect.frame);
  // A dead letter of the frame has the reason that the client gets.
  if (effect.rejected !== undefined) assert.ok(Object.values(frame).includes(effect.why), `${effect.why}`);
  return { reason: effect.rejected, frame };
}
