/** The S1 envelope, checked as the gateway's `envelope` codec checks it, so that both baselines do the same work. */
interface Envelope {
  readonly messageType: 'USER' | 'SYSTEM';
  readonly content: string;
  readonly timestamp: string;
}

/** What is wrong with a frame, or undefined when it is an S1 envelope that a client may send. */
export function problemOf(data: Buffer): string | undefined {
  let value: Partial<Record<keyof Envelope, unknown>> | null;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return 'not JSON';
  }
  if (value === null || typeof value !== 'object') return 'not an object';
  if (value.messageType !== 'USER' && value.messageType !== 'SYSTEM') return 'bad messageType';
  if (typeof value.content !== 'string') return 'bad content';
  if (typeof value.timestamp !== 'string' || Number.isNaN(Date.parse(value.timestamp))) return 'bad timestamp';
  return undefined;
}

export function systemEnvelope(content: string): string {
  return JSON.stringify({ messageType: 'SYSTEM', content, timestamp: new Date().toISOString() });
}

export function errorEnvelope(content: string): string {
  return JSON.stringify({ messageType: 'ERROR', content, timestamp: new Date().toISOString() });
}
