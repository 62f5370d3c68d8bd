import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EmbeddedAdmin } from '../../../../src/transports/embedded/admin.ts';
import type { Coordinators } from '../../../../src/transports/embedded/group/coordinators.ts';
import type { Store } from '../../../../src/transports/embedded/records/store.ts';

test('a setting that cannot be is quoted in part, however long it is', async () => {
  const admin = new EmbeddedAdmin(() => ({}) as Store, 1, {} as Coordinators);
  for (const name of ['cleanup.policy', 'retention.ms'])
    await assert.rejects(admin.create({ name: 't', config: { [name]: 'x'.repeat(900_000) } }), (error: Error) => {
      assert.match(error.message, new RegExp(`^the topic "t": ${name} .*"x{64}\\.\\.\\."$`));
      return true;
    });
});
