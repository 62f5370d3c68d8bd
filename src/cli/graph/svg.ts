import { type Box, type Layout, type Line, layoutOf, type Point } from './layout.ts';
import type { Graph } from './model.ts';

/** Light, and dark where the reader prefers it. Endpoints and servers are outside, topics are what is kept. */
const STYLE = `
  :root { --back: #ffffff; --text: #1f2328; --soft: #57606a; --line: #6e7781;
    --endpoint: #ddf4ff; --endpoint-line: #0969da; --pipeline: #f6f8fa; --pipeline-line: #8c959f;
    --topic: #fff3d6; --topic-line: #bf8700; --server: #eddeff; --server-line: #8250df; }
  @media (prefers-color-scheme: dark) { :root { --back: #0d1117; --text: #e6edf3; --soft: #9da7b3; --line: #8b949e;
    --endpoint: #10294a; --endpoint-line: #4493f8; --pipeline: #21262d; --pipeline-line: #6e7681;
    --topic: #3a2d0c; --topic-line: #d29922; --server: #2c1d4d; --server-line: #ab7df8; } }
  .back { fill: var(--back); }
  text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", Arial, sans-serif; fill: var(--text); text-anchor: middle; }
  .name { font-weight: 600; }
  .about { fill: var(--soft); font-size: 12px; }
  .label { fill: var(--soft); font-size: 11px; paint-order: stroke; stroke: var(--back); stroke-width: 6px; }
  .shape { stroke-width: 1.5; }
  .endpoint { fill: var(--endpoint); stroke: var(--endpoint-line); }
  .pipeline, .other { fill: var(--pipeline); stroke: var(--pipeline-line); }
  .topic { fill: var(--topic); stroke: var(--topic-line); }
  .server { fill: var(--server); stroke: var(--server-line); }
  .edge { fill: none; stroke: var(--line); stroke-width: 1.5; }
  .side { stroke-dasharray: 5 4; }
  .arrow { fill: var(--line); }
`;

/** A picture of its own, for browsers and pages. The same configuration gives the same text. */
export function svgOf(graph: Graph): string {
  const layout = layoutOf(graph);
  const { width, height } = layout;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>What flows where</title>`,
    `<style>${STYLE}</style>`,
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" orient="auto">',
    '<path class="arrow" d="M0 0 10 5 0 10z"/></marker></defs>',
    `<rect class="back" width="${width}" height="${height}"/>`,
    ...contentOf(layout),
    '</svg>',
    '',
  ].join('\n');
}

/** Labels last, so that no line crosses them. */
function contentOf({ lines, boxes }: Layout): string[] {
  return [...lines.map(edgeOf), ...boxes.map(boxOf), ...lines.flatMap(labelOf)];
}

function edgeOf({ way, points }: Line): string {
  const side = way.edge.isSide ? ' side' : '';
  return `<path class="edge${side}" marker-end="url(#arrow)" d="${way.isBack ? aroundOf(points) : curveOf(points)}"/>`;
}

/** Leaves and arrives horizontally, as all boxes have their edges at their sides. */
function curveOf(points: readonly Point[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let before = first;
  const parts = rest.map((point) => {
    const middle = (before.x + point.x) / 2;
    const part = `C${at(middle, before.y)} ${at(middle, point.y)} ${at(point.x, point.y)}`;
    before = point;
    return part;
  });
  return [`M${at(first.x, first.y)}`, ...parts].join('');
}

/** Below all boxes, with round corners. */
function aroundOf(points: readonly Point[]): string {
  const [start, low, , end] = points;
  if (start === undefined || low === undefined || end === undefined) return '';
  const out = 18;
  return (
    `M${at(start.x, start.y)}C${at(start.x + out, start.y)} ${at(start.x + out, low.y)} ${at(start.x, low.y)}` +
    `L${at(end.x, low.y)}C${at(end.x - out, low.y)} ${at(end.x - out, end.y)} ${at(end.x, end.y)}`
  );
}

function boxOf({ node, lines, x, y, width, height }: Box): string {
  const texts = lines.map((line, index) => {
    const kind = index === 0 ? 'name' : 'about';
    return `<text class="${kind}" x="${round(x + width / 2)}" y="${round(y + 23 + index * 17)}">${escaped(line)}</text>`;
  });
  const title = `<title>${escaped(node.lines.join(' · '))}</title>`;
  return `<g>${title}${shapeOf(node.kind, { x, y, width, height })}${texts.join('')}</g>`;
}

function shapeOf(kind: Box['node']['kind'], { x, y, width, height }: Omit<Box, 'node' | 'lines'>): string {
  const name = `class="shape ${kind}"`;
  if (kind === 'topic') {
    const [right, top, bottom, bow] = [x + width, y + 4, y + height - 4, 5];
    const lid = `M${at(x, top)}C${at(x, top - bow)} ${at(right, top - bow)} ${at(right, top)}`;
    const floor = `V${round(bottom)}C${at(right, bottom + bow)} ${at(x, bottom + bow)} ${at(x, bottom)}Z`;
    const rim = `M${at(x, top)}C${at(x, top + bow)} ${at(right, top + bow)} ${at(right, top)}`;
    return `<path ${name} d="${lid}${floor}"/><path ${name} d="${rim}" style="fill:none"/>`;
  }
  const radius = kind === 'endpoint' ? height / 2 : kind === 'server' ? 12 : 4;
  return `<rect ${name} x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}" rx="${round(radius)}"/>`;
}

/** On the first part of an edge, where it has left its box, and in the middle of its line, which it interrupts. */
function labelOf({ way, points }: Line): string[] {
  const { label } = way.edge;
  const [first, second, third] = points;
  if (label === '' || first === undefined || second === undefined) return [];
  const place =
    way.isBack && third !== undefined
      ? { x: (second.x + third.x) / 2, y: second.y + 4 }
      : { x: (first.x + second.x) / 2, y: (first.y + second.y) / 2 + 4 };
  return [`<text class="label" x="${round(place.x)}" y="${round(place.y)}">${escaped(label)}</text>`];
}

function at(x: number, y: number): string {
  return `${round(x)} ${round(y)}`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

/** Control characters have no place in XML, not even as references. */
function escaped(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\uFFFE\uFFFF]|\p{Cs}/gu, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
