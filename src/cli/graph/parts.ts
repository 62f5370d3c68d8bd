import type { Graph } from './model.ts';

/** The parts of a graph that no edge joins, in the order of their first nodes. */
export function partsOf({ nodes, edges }: Graph): Graph[] {
  const neighbours = new Map<string, string[]>(nodes.map(({ id }) => [id, []]));
  for (const { from, to } of edges) {
    neighbours.get(from)?.push(to);
    neighbours.get(to)?.push(from);
  }
  const partOf = new Map<string, number>();
  let count = 0;
  for (const { id } of nodes) {
    if (partOf.has(id)) continue;
    const open = [id];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (partOf.has(next)) continue;
      partOf.set(next, count);
      open.push(...(neighbours.get(next) ?? []));
    }
    count += 1;
  }
  return Array.from({ length: count }, (_, part) => ({
    nodes: nodes.filter(({ id }) => partOf.get(id) === part),
    edges: edges.filter(({ from }) => partOf.get(from) === part),
  }));
}
