import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientsOf } from '../helpers/fleet.ts';
import { fleetBehindNginx } from '../helpers/fleet-behind-nginx.ts';
import type { GatewayProcess } from '../helpers/gateway-process.ts';
import { assertUndisturbed, mostPerSecond } from '../helpers/upgrade-verdict.ts';

const ROUNDS = Number(process.env.SOAK_ROUNDS ?? 3);
const CLIENTS = 300;
const WORDS_PER_SECOND = 30;
/** Milliseconds. */
const JITTER = 8_000;
const PRE_STOP = 2_000;

const sleep = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/*
 * As in Kubernetes with an Ingress: nginx learns which gateways there are by a reload, a gateway that is to go is left out
 * first and gets its signal after a pause (preStop). Each upgrade and each scaling of an autoscaler happens under load.
 */
test(`${ROUNDS} upgrades, from 3 gateways to 5 and back to 2: no message and no attempt to connect is lost`, {
  timeout: 300_000 + ROUNDS * 180_000,
}, async (t) => {
  const set = await fleetBehindNginx(t, { clients: CLIENTS, jitter: JITTER });
  if (set === undefined) return;
  const { kafka, topic, fleet, nginx, crowd } = set;
  crowd.begin(WORDS_PER_SECOND);

  const come = async () => {
    await fleet.start();
    await nginx.reload(fleet.ports);
  };
  const go = async (gateway: GatewayProcess) => {
    await nginx.reload(fleet.ports.filter((port) => port !== gateway.port));
    await sleep(PRE_STOP);
    fleet.steepest();
    const { clients, code } = await fleet.stop(gateway);
    assert.equal(code, 0);
    await crowd.here();
    const steepest = fleet.steepest();
    t.diagnostic(`${clients} clients sent away, ${steepest} let in within a second by one gateway`);
    assert.ok(steepest <= mostPerSecond(clients, JITTER), `${steepest} of ${clients} in a second`);
  };

  for (let round = 0; round < ROUNDS; round += 1)
    for (const old of [...fleet.gateways]) {
      // As a rolling update with maxSurge: the successor is there before the old one goes.
      await come();
      await go(old);
    }

  // Load: two more gateways, and clients for which they are there. Those who are in stay where they are.
  const closes = crowd.losses.length;
  const newcomers = [await fleet.start(), await fleet.start()];
  await nginx.reload(fleet.ports);
  await crowd.grow(200);
  assert.equal(crowd.losses.length, closes);
  // Each worker of nginx goes round on its own, so an even 40 is not certain.
  for (const gateway of newcomers) {
    const clients = await clientsOf(gateway);
    assert.ok(clients >= 20 && clients <= 60, `${clients} of 200 new clients`);
  }

  // Quiet: an autoscaler takes one away at a time.
  while (fleet.gateways.length > 2) await go(fleet.gateways[0] as GatewayProcess);
  await assertUndisturbed(t, crowd, kafka.brokers, topic);
});
