import type { BrokerConnection } from '../connection/connection.ts';
import {
  decodeFetch,
  encodeFetch,
  FETCH_VERSION,
  type FetchAnswer,
  type FetchLimits,
  type FetchPosition,
} from '../wire/fetch-request.ts';
import { decodeFetchById, encodeFetchById, FETCH_BY_ID_VERSION } from './fetch-by-id.ts';

/** Fetches by the ids of the topics where the broker can, and all of them have one; else by their names. */
export async function fetchFrom(
  broker: BrokerConnection,
  positions: readonly FetchPosition[],
  limits: FetchLimits,
): Promise<FetchAnswer> {
  const names = new Map<string, string>();
  let haveIds = true;
  for (const { topic, id } of positions) {
    if (id === undefined) haveIds = false;
    else names.set(id, topic);
  }
  if (haveIds && (await broker.maxVersion('Fetch')) >= FETCH_BY_ID_VERSION) {
    const decode = (answer: Buffer) => decodeFetchById(answer, names);
    return broker.exchange('Fetch', FETCH_BY_ID_VERSION, encodeFetchById(positions, limits), decode);
  }
  return broker.exchange('Fetch', FETCH_VERSION, encodeFetch(positions, limits), decodeFetch);
}
