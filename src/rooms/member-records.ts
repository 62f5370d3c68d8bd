import type { Member } from '../core/membership.ts';
import { PresenceRecords } from '../presence/records.ts';

/** The records of a room: a client claims a name by `{"name", "details"}`. */
export function memberRecords(endpoint: string): PresenceRecords<Member> {
  return new PresenceRecords(endpoint, memberIn);
}

function memberIn({ name, details }: Readonly<Record<string, unknown>>): Member | undefined {
  return typeof name === 'string' && isTexts(details) ? { name, details } : undefined;
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.values(value).every((each) => typeof each === 'string');
}
