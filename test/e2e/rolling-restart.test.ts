import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientsOf } from '../helpers/fleet.ts';
import { fleetBehindNginx } from '../helpers/fleet-behind-nginx.ts';
import { assertUndisturbed, mostPerSecond } from '../helpers/upgrade-verdict.ts';

const CLIENTS = 150;
const WORDS_PER_SECOND = 50;
/** Milliseconds. */
const JITTER = 4_000;
/** How long all three serve before the next one is replaced. */
const PAUSE = 1_000;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test('a rolling upgrade of three gateways behind nginx costs no message and no attempt to connect', {
  timeout: 180_000,
}, async (t) => {
  // Three gateways of the old version serve clients that talk to each other.
  const set = await fleetBehindNginx(t, { clients: CLIENTS, jitter: JITTER });
  if (set === undefined) return;
  const { kafka, topic, fleet, crowd } = set;
  assert.deepEqual(await Promise.all(fleet.gateways.map(clientsOf)), [50, 50, 50]);
  crowd.begin(WORDS_PER_SECOND);

  // Each gets SIGTERM, says that it is not ready, sends its clients away over the jitter, and has a successor when it is gone.
  for (const old of [...fleet.gateways]) {
    fleet.steepest();
    const { clients, code } = await fleet.stop(old);
    assert.equal(code, 0);
    await crowd.here();
    const steepest = fleet.steepest();
    t.diagnostic(`a gateway with ${clients} clients has stopped; another let in ${steepest} of them in a second`);
    assert.ok(steepest > 0 && steepest <= mostPerSecond(clients, JITTER), `${steepest} of ${clients} in a second`);
    await fleet.start(old.port);
    await sleep(PAUSE);
  }

  // All of the new version; the clients have been closed with 1012 between once and three times each, and no more than that.
  assert.ok(crowd.visitors.every(({ losses }) => losses.length >= 1 && losses.length <= 3));
  await assertUndisturbed(t, crowd, kafka.brokers, topic);
});
