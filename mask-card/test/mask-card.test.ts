import assert from 'node:assert/strict';
import { test } from 'node:test';
import { processorLaws } from 'tidegate/testing';
import component from '../src/mask-card.js';

// What every component of its kind has to keep to, with inputs that are made up and shrunk where one fails.
for (const law of processorLaws(component)) test(law.title, law.check);

test('the definition has an example for every setting', () => {
  assert.deepEqual(component.config.parse({}), { field: 'text' });
});
