import type { BrokerConnection } from '../connection/connection.ts';
import { decodeProducer, encodeInitProducer, INIT_PRODUCER_VERSIONS } from './requests.ts';

/**
 * Makes a producer of a transactional id, and fences the one before it; what that left open is aborted. `timeout`: after so
 * many milliseconds the broker aborts a transaction. Resolves also with a broker's error.
 */
export async function initProducer(coordinator: BrokerConnection, id: string, timeout: number) {
  const { oldest, newest } = INIT_PRODUCER_VERSIONS;
  const version = Math.max(oldest, Math.min(newest, await coordinator.maxVersion('InitProducerId')));
  return coordinator.exchange('InitProducerId', version, encodeInitProducer(version, id, timeout), decodeProducer);
}
