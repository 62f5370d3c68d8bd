import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Client } from '../../../../src/transports/kafka/connection/client.ts';
import { Cluster } from '../../../../src/transports/kafka/connection/cluster.ts';
import type { BrokerConnection } from '../../../../src/transports/kafka/connection/connection.ts';
import {
  decodeMetadata,
  encodeMetadata,
  METADATA_VERSION,
  type Metadata,
} from '../../../../src/transports/kafka/connection/metadata-request.ts';

const ID = 'zbjVNaSMQ2G5GBCw9iBUMA';
const ID_BYTES = Buffer.from(ID, 'base64url').toString('hex');
const NO_ID = '00'.repeat(16);

test('a request for metadata asks for some topics, for none or for all', () => {
  assert.equal(encodeMetadata(['ab']).toString('hex'), `00 02 ${NO_ID} 03 6162 00 00 00 00 00`.replaceAll(' ', ''));
  assert.equal(encodeMetadata([]).toString('hex'), '000100000000');
  assert.equal(encodeMetadata(undefined).toString('hex'), '000000000000');
});

test('an answer is read with all its topics, their ids and leaders', () => {
  const partition = (index: string, leader: string) =>
    `0000 ${index} ${leader} 00000005 03 00000001 00000002 02 00000001 01 00`;
  const answer = `
    00 00000000
    03 00000001 0668 6f737431 00002384 00 00  00000002 0668 6f737432 00002385 0372 31 00
    0863 6c7573746572 00000002
    03
    0000 0261 ${ID_BYTES} 00 03 ${partition('00000000', '00000001')} ${partition('00000001', 'ffffffff')} 80000000 00
    0003 0262 ${NO_ID} 01 01 80000000 00
    80000000 00`.replaceAll(/\s/g, '');
  assert.deepEqual(decodeMetadata(Buffer.from(answer, 'hex')), {
    brokers: [
      { nodeId: 1, host: 'host1', port: 9092 },
      { nodeId: 2, host: 'host2', port: 9093 },
    ],
    controllerId: 2,
    clusterId: 'cluster',
    topics: [
      {
        name: 'a',
        code: 0,
        id: ID,
        internal: false,
        partitions: [
          { partition: 0, leader: 1 },
          { partition: 1, leader: -1 },
        ],
      },
      { name: 'b', code: 3, id: undefined, internal: true, partitions: [] },
    ],
  });
});

/** One broker that answers as the test says. */
class OneBroker extends Cluster {
  answer: { id: string | undefined; code?: number } = { id: undefined };

  constructor() {
    super({ brokers: [] } as unknown as Client, 1_000);
  }

  override any(): BrokerConnection {
    const { id, code = 0 } = this.answer;
    const topics = [{ name: 't', code, id, internal: false, partitions: [{ partition: 0, leader: 1 }] }];
    const metadata: Metadata = { brokers: [], controllerId: 1, clusterId: 'c', topics };
    const broker = { maxVersion: async () => METADATA_VERSION, exchange: async () => metadata };
    return broker as unknown as BrokerConnection;
  }
}

test('a broker that still shows the topic that was there before is not believed', async () => {
  const cluster = new OneBroker();
  const idAfter = async (id: string | undefined, code = 0) => {
    cluster.answer = { id, code };
    await cluster.refresh(['t']);
    return cluster.topic('t')?.id;
  };
  assert.equal(await idAfter('one'), 'one');
  assert.equal(await idAfter(undefined, 3), 'one', 'it is gone, and the next one will be another');
  assert.equal(await idAfter('two'), 'two');
  assert.equal(await idAfter('one'), 'two');
  cluster.forget('t');
  assert.equal(await idAfter('one'), undefined);
  assert.notEqual(cluster.topic('t')?.code, 0);
  assert.equal(await idAfter('three'), 'three');
});
