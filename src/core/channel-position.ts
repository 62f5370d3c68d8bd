/**
 * Where a client is in a channel whose records are in one partition: it has all of them that are in front of `offset`.
 * `epoch` is another one when the topic is created anew or has another number of partitions: no offset of before means anything then.
 */
export interface ChannelPosition {
  /** Letters, digits, `-` and `_`. */
  readonly epoch: string;
  readonly partition: number;
  /** Of the next record, as in the log. */
  readonly offset: number;
}

const FORM = /^([A-Za-z0-9_-]{1,64})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,15})$/;

/** As clients get it and show it again. */
export function positionText({ epoch, partition, offset }: ChannelPosition): string {
  return `${epoch}.${partition}.${offset}`;
}

/** Undefined for a text that is no position. */
export function parsePosition(text: string): ChannelPosition | undefined {
  const [, epoch, partition, offset] = FORM.exec(text) ?? [];
  if (epoch === undefined || !Number.isSafeInteger(Number(offset))) return undefined;
  return { epoch, partition: Number(partition), offset: Number(offset) };
}
