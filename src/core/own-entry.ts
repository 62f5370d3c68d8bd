/** What a record has by a name that a user or a peer chose; not what every object inherits, such as `toString`. */
export function ownEntry<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
