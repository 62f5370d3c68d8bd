import type { Difference } from './side.ts';

/** A way in which we mean to differ from a worker. */
export interface Known {
  readonly why: string;
  /** `step`: all differences of the same call. */
  readonly holds: (difference: Difference, step: readonly Difference[]) => boolean;
}

const says = (value: unknown, text: string) => typeof value === 'string' && value.includes(text);

export const KNOWN: readonly Known[] = [
  {
    why: 'what cannot be read, or names what there is not, is a mistake of the client: 400, and a message without classes of Java',
    holds: ({ what }, step) =>
      ['status', 'body.error_code', 'body.message'].includes(what) &&
      step.some((one) => one.what === 'status' && one.worker === 500 && one.ours === 400),
  },
  {
    why: 'every JSON says that it is JSON',
    holds: ({ what, worker, ours }) => what === 'type' && worker === null && ours === 'application/json',
  },
  {
    why: 'RFC 9110, 15.5.6: an answer with 405 has to say which methods there are',
    holds: ({ what, worker }) => what === 'allow' && worker === null,
  },
  {
    why: 'the methods are in Allow, and need no body beside it',
    holds: ({ step, what }) => step.startsWith('OPTIONS') && (what === 'body' || what === 'type'),
  },
  {
    why: 'a worker can create a connector with a slash in its name, and then neither show nor delete it',
    holds: ({ step }) => step.includes('%2F') || step.endsWith('with a slash in its name'),
  },
  {
    why: 'a worker takes another name by PATCH, and has a connector after that whose settings call it otherwise',
    holds: ({ step }) => step === 'PATCH /connectors/l/config another name',
  },
  {
    why: 'settings are shown in the order in which they were given, not in that of a hash table',
    holds: ({ what, worker, ours }) =>
      what === 'body.message' && [worker, ours].every((text) => says(text, 'contains no connector type')),
  },
  {
    why: 'the known classes are listed by name, without what Java knows of each',
    holds: ({ what, worker, ours }) =>
      what === 'body.message' && [worker, ours].every((text) => says(text, 'Failed to find any class')),
  },
  {
    why: 'a regular expression that is none is explained by our engine, which is not that of Java',
    holds: ({ what, worker, ours }) =>
      /\.(regex|pattern)\.value\.errors\.0$/.test(what) && [worker, ours].every((text) => says(text, 'Invalid regex')),
  },
  {
    why: 'a mistake in the types of Cast is explained without classes of Java, and by the name of its setting',
    holds: ({ what, worker }) =>
      what.endsWith('.spec.value.errors.0') && (says(worker, 'java.lang') || says(worker, 'configuration renames')),
  },
  {
    why: 'we have other converters',
    holds: ({ what }) => /^body\.configs\.(key|value)\.converter\.value\.recommended_values\.\d+$/.test(what),
  },
  {
    why: 'secrets are shown nowhere, not even those of unknown settings',
    holds: ({ what, worker, ours }) => /password/.test(what) && worker === 'geheim' && ours === '[hidden]',
  },
  {
    why: 'a source offset says when the feed was heard last, so that the silence after a restart is known',
    holds: ({ what }) => /^body\.offsets\.\d+\.offset\.heard_at$/.test(what),
  },
  {
    why: 'our Kafka client cannot remove the offset of one partition; that of its first record means the same',
    holds: ({ step, what }) => step.endsWith('offsets altered to null') && what === 'body.offsets.0',
  },
  {
    why: 'our log has no level TRACE',
    holds: ({ step, what }) => step.endsWith('at TRACE') && what === 'body',
  },
];
