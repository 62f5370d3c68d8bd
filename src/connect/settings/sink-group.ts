/** The consumer group of a sink connector, as Connect names it. In a file of its own, because every gateway asks for it. */
export function groupOfSink(name: string): string {
  return `connect-${name}`;
}
