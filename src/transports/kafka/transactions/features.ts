import type { BrokerConnection } from '../connection/connection.ts';
import { FlexibleCursor } from '../wire/flexible.ts';
import { FlexibleWriter } from '../wire/flexible-writer.ts';
import { TXN_OFFSET_COMMIT_VERSIONS } from './requests.ts';

/** The first version of ApiVersions that names features: brokers from Kafka 2.4 on. */
const VERSION = 3;
/** Tag of the features that all brokers of the cluster have in use. */
const FINALIZED_FEATURES = 2;
/** Level of `transaction.version` from which on each transaction has an epoch of its own (KIP-890). */
const EPOCH_PER_TRANSACTION = 2;

/**
 * - `newer`: each transaction has an epoch of its own, so that a late request cannot touch the next one (KIP-890)
 * - `older`: all transactions of a producer have the same
 * - `none`: offsets cannot be committed under a generation (KIP-447)
 */
export type TransactionProtocol = 'newer' | 'older' | 'none';

/** What the cluster of a broker speaks. It may change while the cluster is upgraded. */
export async function protocolOf(broker: BrokerConnection): Promise<TransactionProtocol> {
  if ((await broker.maxVersion('TxnOffsetCommit')) < TXN_OFFSET_COMMIT_VERSIONS.withGeneration) return 'none';
  if ((await broker.maxVersion('ApiVersions')) < VERSION) return 'older';
  const levels = await broker.exchange('ApiVersions', VERSION, encodeApiVersions(), decodeFeatures);
  return (levels.get('transaction.version') ?? 0) >= EPOCH_PER_TRANSACTION ? 'newer' : 'older';
}

function encodeApiVersions(): Buffer {
  return new FlexibleWriter().text('tidegate').text('1').end().take();
}

/** Levels of the features in use, by name. This answer alone has a header without tagged fields. */
export function decodeFeatures(answer: Buffer): Map<string, number> {
  const cursor = new FlexibleCursor(answer);
  const levels = new Map<string, number>();
  // error_code
  cursor.at += 2;
  for (let keys = cursor.length(); keys > 0; keys -= 1) {
    // api_key, min_version, max_version
    cursor.at += 6;
    cursor.skipTags();
  }
  // throttle_time_ms
  cursor.at += 4;
  for (let tags = cursor.uvarint(); tags > 0; tags -= 1) {
    const tag = cursor.uvarint();
    const size = cursor.uvarint();
    const end = cursor.at + size;
    if (tag === FINALIZED_FEATURES) readLevels(cursor, levels);
    cursor.at = end;
  }
  return levels;
}

function readLevels(cursor: FlexibleCursor, into: Map<string, number>): void {
  for (let features = cursor.length(); features > 0; features -= 1) {
    const name = cursor.text() ?? '';
    into.set(name, cursor.int16());
    // min_version_level
    cursor.at += 2;
    cursor.skipTags();
  }
}
