import type { CodecMessage } from './content.ts';
import type { Rejection } from './errors.ts';
import type { TopicPartition, TopicSpec } from './log.ts';

/** What a client may ask of an endpoint whose protocol lets clients choose topics. */
export type TopicRequest =
  | { readonly type: 'create'; readonly topics: readonly TopicSpec[] }
  | { readonly type: 'list' }
  /** Answered by `published`, or not at all where the codec does not care for it. */
  | { readonly type: 'publish'; readonly topic: string; readonly message: CodecMessage }
  | { readonly type: 'subscribe'; readonly subscription: SubscriptionRequest }
  | { readonly type: 'unsubscribe' }
  /** Of records that were delivered: all of them, or those before these offsets. Only where `commit` is manual. */
  | { readonly type: 'commit'; readonly positions?: readonly Position[] }
  /** Goes back (or on) to these offsets, in partitions that this client holds now. */
  | { readonly type: 'seek'; readonly positions: readonly Position[] }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  /** So many more records may come; with the first grant nothing comes without one. */
  | { readonly type: 'grant'; readonly records: number }
  | { readonly type: 'health' };

export interface SubscriptionRequest {
  readonly topics: readonly string[];
  /** The endpoint's own group where it is left out. */
  readonly group?: string;
  /** Where a partition starts that the group never committed; offsets by topic and partition win where they are given. */
  readonly from?:
    | 'earliest'
    | 'latest'
    | { readonly offsets: Readonly<Record<string, Readonly<Record<number, number>>>> };
  /** auto: a record counts as delivered once the peer has answered a ping behind it. manual: once it says commit. */
  readonly commit: 'auto' | 'manual';
  /** Records that may come before the first grant; without it as many as the socket takes. */
  readonly credit?: number;
  /** Wait for topics that do not exist yet, in place of an error. */
  readonly wait: boolean;
}

export interface Position extends TopicPartition {
  /** The next record to be delivered: one behind the last that counts as done. */
  readonly offset: number;
}

/** What became of a request. */
export type TopicResult =
  | { readonly type: 'created'; readonly topics: readonly string[] }
  | { readonly type: 'published'; readonly position: Position }
  | { readonly type: 'subscribed'; readonly topics: readonly string[] }
  /** unsubscribe, commit, seek, pause, resume, grant. */
  | { readonly type: 'done' };

/**
 * The result of a question about what there is: for all who ask at the same time it is one object, and a later one is
 * another object where anything has changed.
 */
export type TopicView =
  | { readonly type: 'listed'; readonly topics: readonly { readonly topic: string; readonly partitions: number }[] }
  | {
      readonly type: 'health';
      readonly consumers: readonly { readonly ws: number; readonly topics: readonly string[] }[];
    };

export type TopicOutcome =
  | { readonly ok: true; readonly result: TopicResult }
  | { readonly ok: false; readonly rejection: Rejection };
