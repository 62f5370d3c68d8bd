/**
 * What a commit says beside its offset, in the metadata text that Kafka keeps with it: a JSON object, of which everybody
 * reads the fields they know. Kafka takes 4,096 bytes.
 */
export interface CommitNote {
  /** Id of the topic that the offset belongs to. A commit without one counts for whichever topic has the name. */
  readonly topic_id?: string | undefined;
}

export function encodeNote(note: CommitNote): string {
  return JSON.stringify(note);
}

/** A text that was not written by Tidegate says nothing. */
export function decodeNote(text: string | null): CommitNote {
  if (text === null || !text.startsWith('{')) return {};
  try {
    const { topic_id } = JSON.parse(text) as { readonly topic_id?: unknown };
    return typeof topic_id === 'string' ? { topic_id } : {};
  } catch {
    return {};
  }
}
