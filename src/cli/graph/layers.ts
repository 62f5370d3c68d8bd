import type { Graph, GraphEdge } from './model.ts';

/** How often the layers are sorted, so that nodes are beside what they are joined to. */
const SWEEPS = 8;

/** A node of the graph, or a bend of an edge that crosses a layer. */
export interface Slot {
  /** undefined: a bend. */
  readonly node: string | undefined;
  readonly layer: number;
}

/** An edge as the slots that it goes through; `isBack`: it leads to an earlier layer, and goes around. */
export interface Way {
  readonly edge: GraphEdge;
  readonly slots: readonly Slot[];
  readonly isBack: boolean;
}

/** Slots of each layer from top to bottom, and the ways between them. */
export interface Layers {
  readonly layers: readonly (readonly Slot[])[];
  readonly ways: readonly Way[];
}

/** Each node in the layer that the longest way to it leads to, in an order with few crossings. Edges that close a circle are left out. */
export function layersOf({ nodes, edges }: Graph): Layers {
  const back = backEdges(
    nodes.map(({ id }) => id),
    edges,
  );
  const forward = edges.filter((edge) => !back.has(edge));
  const depth = depths(
    nodes.map(({ id }) => id),
    forward,
  );
  const slots = new Map(nodes.map(({ id }): [string, Slot] => [id, { node: id, layer: depth.get(id) ?? 0 }]));
  const layers: Slot[][] = Array.from({ length: Math.max(0, ...depth.values()) + 1 }, () => []);
  for (const slot of slots.values()) layers[slot.layer]?.push(slot);
  const ways = edges.flatMap((edge): Way[] => {
    const [from, to] = [slots.get(edge.from), slots.get(edge.to)];
    if (from === undefined || to === undefined) return [];
    if (back.has(edge)) return [{ edge, slots: [from, to], isBack: true }];
    const bends = Array.from({ length: to.layer - from.layer - 1 }, (_, at): Slot => {
      const bend = { node: undefined, layer: from.layer + at + 1 };
      layers[bend.layer]?.push(bend);
      return bend;
    });
    return [{ edge, slots: [from, ...bends, to], isBack: false }];
  });
  return { layers: ordered(layers, ways), ways };
}

/** Edges that lead back to a node from which their own beginning is reached. */
function backEdges(ids: readonly string[], edges: readonly GraphEdge[]): ReadonlySet<GraphEdge> {
  const outgoing = new Map<string, GraphEdge[]>(ids.map((id) => [id, []]));
  for (const edge of edges) outgoing.get(edge.from)?.push(edge);
  const back = new Set<GraphEdge>();
  const state = new Map<string, 'open' | 'done'>();
  for (const root of ids) {
    // Not by calls within calls: a file may have a chain of thousands of topics.
    const stack = state.has(root) ? [] : [{ id: root, next: 0 }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      state.set(top.id, 'open');
      const edge = outgoing.get(top.id)?.[top.next];
      top.next += 1;
      if (edge === undefined) {
        state.set(top.id, 'done');
        stack.pop();
      } else if (state.get(edge.to) === 'open') back.add(edge);
      else if (!state.has(edge.to)) stack.push({ id: edge.to, next: 0 });
    }
  }
  return back;
}

function depths(ids: readonly string[], edges: readonly GraphEdge[]): Map<string, number> {
  const incoming = new Map<string, number>(ids.map((id) => [id, 0]));
  const outgoing = new Map<string, string[]>(ids.map((id) => [id, []]));
  for (const { from, to } of edges) {
    incoming.set(to, (incoming.get(to) ?? 0) + 1);
    outgoing.get(from)?.push(to);
  }
  const depth = new Map<string, number>(ids.map((id) => [id, 0]));
  const ready = ids.filter((id) => incoming.get(id) === 0);
  for (let id = ready.shift(); id !== undefined; id = ready.shift()) {
    for (const to of outgoing.get(id) ?? []) {
      depth.set(to, Math.max(depth.get(to) ?? 0, (depth.get(id) ?? 0) + 1));
      const left = (incoming.get(to) ?? 0) - 1;
      incoming.set(to, left);
      if (left === 0) ready.push(to);
    }
  }
  return depth;
}

/** Sorts each layer by the mean place of its neighbours in the layer before, then in the one behind, some times over. */
function ordered(layers: readonly Slot[][], ways: readonly Way[]): Slot[][] {
  const before = new Map<Slot, Slot[]>();
  const behind = new Map<Slot, Slot[]>();
  const join = (map: Map<Slot, Slot[]>, slot: Slot, other: Slot) => map.set(slot, [...(map.get(slot) ?? []), other]);
  for (const { slots, isBack } of ways) {
    for (const [at, slot] of slots.entries()) {
      const next = slots[at + 1];
      if (isBack || next === undefined) continue;
      join(before, next, slot);
      join(behind, slot, next);
    }
  }
  const sorted = layers.map((layer) => [...layer]);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const isDown = sweep % 2 === 0;
    const places = new Map<Slot, number>();
    for (const layer of sorted) for (const [at, slot] of layer.entries()) places.set(slot, at);
    for (const layer of isDown ? sorted : sorted.toReversed()) {
      const weight = new Map(layer.map((slot) => [slot, mean((isDown ? before : behind).get(slot), places)]));
      layer.sort(
        (one, other) => (weight.get(one) ?? places.get(one) ?? 0) - (weight.get(other) ?? places.get(other) ?? 0),
      );
      for (const [at, slot] of layer.entries()) places.set(slot, at);
    }
  }
  return sorted;
}

function mean(slots: readonly Slot[] | undefined, places: ReadonlyMap<Slot, number>): number | undefined {
  if (slots === undefined) return undefined;
  return slots.reduce((sum, slot) => sum + (places.get(slot) ?? 0), 0) / slots.length;
}
