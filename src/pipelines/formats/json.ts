import { isUtf8 } from 'node:buffer';
import { reasonOf } from '../../core/errors.ts';
import { invalid } from './base/failure.ts';

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');

/** The same JSON without its byte order mark. Throws TG_MESSAGE_INVALID for what is none. `limit`: bytes. */
export function decodeJson(payload: Buffer, limit: number): Buffer {
  const hasMark = payload.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK);
  const body = hasMark ? payload.subarray(BYTE_ORDER_MARK.length) : payload;
  if (body.length > limit) throw invalid(`it is more than ${limit} bytes; "limit" allows no more`);
  if (!isUtf8(body)) throw invalid('it is not UTF-8');
  try {
    JSON.parse(body.toString('utf8'));
  } catch (error) {
    throw invalid(reasonOf(error));
  }
  return body;
}
