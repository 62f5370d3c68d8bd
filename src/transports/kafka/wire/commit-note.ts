import type { StateNote } from '../../../core/group-state.ts';
import { marksIn, storedMarks } from '../../stored-marks.ts';

/**
 * What a commit says beside its offset, in the metadata text that Kafka keeps with it: a JSON object, of which every
 * reader takes the fields it knows. Kafka takes 4,096 bytes; two ids and three numbers have fewer than 600, and each
 * of at most 64 marks fewer than 45.
 */
export interface CommitNote {
  /** Id of the topic that the offset belongs to. A commit without one counts for any topic of that name. */
  readonly topicId?: string | undefined;
  /** How the state of operators is rebuilt: `replay`, `wm` for its watermark, `through`, and `marks`. */
  readonly state?: StateNote | undefined;
  /** Transactional id of the member that committed in a transaction: the next owner of the partition may abort one that it left. */
  readonly writer?: string | undefined;
}

/** A partition that is committed. */
export interface CommitEntry {
  readonly partition: number;
  readonly offset: string;
  readonly metadata: string;
}

/** The empty text where there is nothing to say. */
export function encodeNote({ topicId, state, writer }: CommitNote): string {
  if (topicId === undefined && state === undefined && writer === undefined) return '';
  const { replay, watermark: wm, through, marks } = state ?? {};
  return JSON.stringify({ topic_id: topicId, replay, wm, through, marks: marks && storedMarks(marks), writer });
}

/** A text that was not written by Tidegate says nothing. */
export function decodeNote(text: string | null): CommitNote {
  if (text === null || !text.startsWith('{')) return {};
  try {
    const { topic_id, writer, ...rest } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const state = stateIn(rest);
    return {
      ...(typeof topic_id === 'string' ? { topicId: topic_id } : {}),
      ...(state === undefined ? {} : { state }),
      ...(typeof writer === 'string' ? { writer } : {}),
    };
  } catch {
    return {};
  }
}

/** All of it or nothing: state that is rebuilt from a part of it would be wrong. */
function stateIn(fields: Readonly<Record<string, unknown>>): StateNote | undefined {
  const { replay, wm: watermark, through } = fields;
  if (!Number.isSafeInteger(replay) || (replay as number) < 0) return undefined;
  if (!Number.isFinite(watermark) || !Number.isFinite(through)) return undefined;
  const note = { replay, watermark, through } as StateNote;
  if (fields.marks === undefined) return note;
  const marks = marksIn(fields.marks);
  return marks === undefined ? undefined : { ...note, marks };
}
