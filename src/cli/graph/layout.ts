import { type Layers, layersOf, type Slot, type Way } from './layers.ts';
import type { Graph, GraphNode } from './model.ts';
import { partsOf } from './parts.ts';

const CHAR = 7.9;
const LINE = 17;
const PADDING = { x: 16, y: 10 };
const GAP = { x: 84, y: 26 };
const MARGIN = 24;
/** Room below the nodes for an edge that goes back. */
const BACK_LANE = 20;
/** How often nodes are moved towards the middle of their neighbours. */
const PASSES = 12;
/** Characters of a line of a label. */
const MAX_LINE = 44;

export interface Box {
  readonly node: GraphNode;
  readonly lines: readonly string[];
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** An edge from point to point; the first is at the right of a box and the last at the left of one. */
export interface Line {
  readonly way: Way;
  readonly points: readonly Point[];
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  readonly boxes: readonly Box[];
  readonly lines: readonly Line[];
}

interface Placed {
  readonly width: number;
  readonly height: number;
  x: number;
  y: number;
}

/** Places of nodes and edges in pixels, from left to right. Parts of the graph that are not joined are below each other. */
export function layoutOf(graph: Graph): Layout {
  let top = MARGIN;
  let right = 0;
  const boxes: Box[] = [];
  const lines: Line[] = [];
  for (const part of partsOf(graph)) {
    const placed = layoutOfPart(part, top);
    boxes.push(...placed.boxes);
    lines.push(...placed.lines);
    top += placed.height + GAP.y;
    right = Math.max(right, placed.width);
  }
  return { width: Math.ceil(right + MARGIN), height: Math.ceil(top - GAP.y + MARGIN), boxes, lines };
}

/** `width`: where its rightmost box ends; `height`: from `top` to the end of the lowest one. */
function layoutOfPart(graph: Graph, top: number): Layout {
  const nodes = new Map(graph.nodes.map((node) => [node.id, node]));
  const { layers, ways } = layersOf(graph);
  const places = new Map<Slot, Placed>();
  for (const layer of layers) for (const slot of layer) places.set(slot, sizeOf(slot, nodes));
  placeColumns(layers, ways, places);
  placeRows({ layers, ways }, places, top);
  const all = [...places.values()];
  const bottom = Math.max(top, ...all.map(({ y, height }) => y + height));
  const back = ways.filter(({ isBack }) => isBack);
  return {
    width: Math.max(0, ...all.map(({ x, width }) => x + width)) + (back.length > 0 ? MARGIN : 0),
    height: bottom - top + back.length * BACK_LANE,
    boxes: boxesOf(places, nodes),
    lines: ways.map((way) => ({ way, points: pointsOf(way, places, bottom + BACK_LANE * (back.indexOf(way) + 1)) })),
  };
}

/** About as wide as a proportional font of 13 px has it. */
export function textWidth(text: string): number {
  let width = 0;
  for (const char of text) width += (char.codePointAt(0) ?? 0) > 0x2e7f ? CHAR * 1.9 : CHAR;
  return width;
}

export function shortened(text: string): string {
  return text.length <= MAX_LINE ? text : `${text.slice(0, MAX_LINE - 1)}…`;
}

function sizeOf({ node }: Slot, nodes: ReadonlyMap<string, GraphNode>): Placed {
  const found = node === undefined ? undefined : nodes.get(node);
  if (found === undefined) return { width: 0, height: 4, x: 0, y: 0 };
  const widest = Math.max(...found.lines.map((line) => textWidth(shortened(line))));
  return { width: widest + 2 * PADDING.x, height: found.lines.length * LINE + 2 * PADDING.y, x: 0, y: 0 };
}

/** Layers beside each other, with room for the labels of the edges between them. */
function placeColumns(layers: Layers['layers'], ways: readonly Way[], places: ReadonlyMap<Slot, Placed>): void {
  const labels = new Map<number, number>();
  for (const { slots, edge, isBack } of ways) {
    const layer = slots[0]?.layer ?? 0;
    if (!isBack) labels.set(layer, Math.max(labels.get(layer) ?? 0, textWidth(edge.label)));
  }
  let x = MARGIN;
  for (const [at, layer] of layers.entries()) {
    const width = Math.max(0, ...layer.map((slot) => places.get(slot)?.width ?? 0));
    for (const slot of layer) {
      const place = places.get(slot);
      if (place !== undefined) place.x = x + (width - place.width) / 2;
    }
    x += width + Math.max(GAP.x, (labels.get(at) ?? 0) + 40);
  }
}

function placeRows({ layers, ways }: Layers, places: ReadonlyMap<Slot, Placed>, top: number): void {
  const neighbours = new Map<Slot, Placed[]>();
  for (const { slots, isBack } of ways)
    for (const [at, slot] of slots.entries())
      for (const other of [slots[at - 1], slots[at + 1]]) {
        const place = other === undefined ? undefined : places.get(other);
        if (!isBack && place !== undefined) neighbours.set(slot, [...(neighbours.get(slot) ?? []), place]);
      }
  for (const layer of layers) spread(layer, places, () => undefined);
  for (let pass = 0; pass < PASSES; pass++)
    for (const layer of pass % 2 === 0 ? layers : layers.toReversed())
      spread(layer, places, (slot) => {
        const others = neighbours.get(slot) ?? [];
        if (others.length === 0) return undefined;
        return others.reduce((sum, { y, height }) => sum + y + height / 2, 0) / others.length;
      });
  closeGaps([...places.values()], top);
}

/** Puts each slot where `wished` has its middle, but below the one before it; the layer keeps the middle that was wished. */
function spread(
  layer: readonly Slot[],
  places: ReadonlyMap<Slot, Placed>,
  wished: (slot: Slot) => number | undefined,
): void {
  let bottom = Number.NEGATIVE_INFINITY;
  let excess = 0;
  for (const slot of layer) {
    const place = places.get(slot);
    if (place === undefined) continue;
    const middle = wished(slot);
    const wish = middle === undefined ? place.y : middle - place.height / 2;
    place.y = Math.max(wish, bottom === Number.NEGATIVE_INFINITY ? wish : bottom + GAP.y);
    excess += place.y - wish;
    bottom = place.y + place.height;
  }
  for (const slot of layer) {
    const place = places.get(slot);
    if (place !== undefined) place.y -= excess / layer.length;
  }
}

/** Moves everything up to `top`, and what is below a band without boxes up to what is above it. */
function closeGaps(places: readonly Placed[], top: number): void {
  const sorted = places.toSorted((one, other) => one.y - other.y);
  let bottom = (sorted[0]?.y ?? 0) - GAP.y;
  let shift = top - (sorted[0]?.y ?? 0);
  for (const place of sorted) {
    shift -= Math.max(0, place.y - bottom - GAP.y);
    bottom = Math.max(bottom, place.y + place.height);
    place.y += shift;
  }
}

function boxesOf(places: ReadonlyMap<Slot, Placed>, nodes: ReadonlyMap<string, GraphNode>): Box[] {
  return [...places].flatMap(([{ node }, place]) => {
    const found = node === undefined ? undefined : nodes.get(node);
    return found === undefined ? [] : [{ node: found, lines: found.lines.map(shortened), ...place }];
  });
}

function pointsOf({ slots, isBack }: Way, places: ReadonlyMap<Slot, Placed>, lane: number): Point[] {
  const all = slots.flatMap((slot) => places.get(slot) ?? []);
  const [first, last] = [all[0], all.at(-1)];
  if (first === undefined || last === undefined) return [];
  const start = { x: first.x + first.width, y: first.y + first.height / 2 };
  const end = { x: last.x, y: last.y + last.height / 2 };
  if (isBack) return [start, { x: start.x, y: lane }, { x: end.x, y: lane }, end];
  return [start, ...all.slice(1, -1).map(({ x, y, height }) => ({ x, y: y + height / 2 })), end];
}
