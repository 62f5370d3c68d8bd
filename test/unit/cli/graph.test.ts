import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { layoutOf, shortened, textWidth } from '../../../src/cli/graph/layout.ts';
import { mermaidOf } from '../../../src/cli/graph/mermaid.ts';
import { type Graph, graphOf } from '../../../src/cli/graph/model.ts';
import { svgOf } from '../../../src/cli/graph/svg.ts';
import { loadConfig } from '../../../src/config/index.ts';
import { tidegate, written } from '../../helpers/command-line.ts';

const FILE = `log: { driver: embedded, topics: { orders: {}, spare: {} } }
auth: { users: { basic: { ada: for-trials-only } } }
listeners: { public: { port: 0 } }
endpoints:
  orders: { listener: public, path: /orders, codec: json }
  prices: { listener: public, path: /prices, codec: json, direction: out }
  room: { listener: public, path: /room, codec: rooms, presence: { topic: room } }
  topics: { listener: public, path: /topics, codec: topics, auth: users, allow: { read: [ "public-*" ], write: [ inbox ] } }
pipelines:
  orders-in:
    source: { endpoint: orders }
    processors: [ log, { lookup: { key: "\${! key }", topic: { name: customers }, into: c } } ]
    sink: { topic: { name: orders } }
    on_error: { dead_letter: orders.dlt }
  enrich:
    source: { topic: { names: [ orders ], group: billing } }
    processors: [ { window: { tumbling: 1m, aggregate: { n: count }, late: { topic: late } } } ]
    sink: { topic: { name: results } }
    on_error: { dead_letter: orders.dlt }
  retry: { source: { topic: { names: [ orders.dlt ], group: retry } }, sink: { topic: { name: orders } } }
  feed:
    source: { websocket_client: { url: "wss://ada:secret@feed.example.com/trades?key=hunter22" } }
    sink: { route: [ { when: "\${! json.a }", sink: { topic: { name: "trades-\${! json.s }" } } }, { sink: drop } ] }
  out: { source: { topic: { names: [ results, "public-*" ], from: latest } }, sink: { endpoint: prices } }
  room-in: { source: { endpoint: room }, sink: { topic: { name: room } } }
  room-out: { source: { topic: { names: [ room ], from: latest } }, sink: { endpoint: room } }
`;

async function graph(text = FILE): Promise<Graph> {
  return graphOf((await loadConfig({ text, name: 'gateway.yaml' }, { env: {}, production: null })).config);
}

const arrows = ({ edges }: Graph) =>
  edges.map(({ from, to, label, isSide }) => `${from} ${isSide ? '..' : '--'}${label}> ${to}`);

test('a graph has endpoints, pipelines, topics, groups, dead letters, tables, feeds and members', async () => {
  assert.deepEqual(arrows(await graph()), [
    'in:orders --> pipeline:orders-in',
    'pipeline:orders-in --> topic:orders',
    'topic:customers ..lookup> pipeline:orders-in',
    'pipeline:orders-in ..dead letters> topic:orders.dlt',
    'topic:orders --group billing> pipeline:enrich',
    'pipeline:enrich --> topic:results',
    'pipeline:enrich ..window> topic:late',
    'pipeline:enrich ..dead letters> topic:orders.dlt',
    'topic:orders.dlt --group retry> pipeline:retry',
    'pipeline:retry --> topic:orders',
    'source:wss://ada:secret@feed.example.com/trades?key=hunter22 --> pipeline:feed',
    'pipeline:feed --> topic:trades-${! json.s }',
    'pipeline:feed --> sink:drop:feed',
    'topic:results --> pipeline:out',
    'topic:public-* --> pipeline:out',
    'pipeline:out --> out:prices',
    'in:room --> pipeline:room-in',
    'pipeline:room-in --> topic:room',
    'topic:room --> pipeline:room-out',
    'pipeline:room-out --> out:room',
    'in:room ..members> topic:room',
    'in:topics ..clients write> topic:inbox',
    'topic:public-* ..clients read> out:topics',
  ]);
  const { nodes } = await graph();
  assert.ok(nodes.some(({ id, lines }) => id === 'topic:spare' && lines.join() === 'spare'));
  assert.ok(nodes.some(({ lines }) => lines.join() === 'wss://feed.example.com/trades?…,websocket_client'));
  assert.ok(nodes.some(({ lines }) => lines.join() === 'orders-in,log, lookup'));
  assert.ok(nodes.some(({ lines }) => lines.join() === 'room,/room (rooms)'));
});

test('Mermaid text is the same each time, with everything that has a meaning in it escaped', async () => {
  const text = mermaidOf(await graph());
  assert.equal(text, mermaidOf(await graph()));
  assert.match(
    text,
    /^flowchart LR\n {2}n0\["orders-in<br\/>log, lookup"\]\n|^flowchart LR\n {2}n0\(\["orders<br\/>\/orders \(json\)"\]\)\n/,
  );
  assert.match(text, / {2}n\d+\[\("trades-#36;#123;#33; json\.s #125;"\)\]\n/);
  assert.match(text, / -->\|"group billing"\| /);
  assert.match(text, / -\.->\|"dead letters"\| /);
  assert.doesNotMatch(text, /hunter22|secret/);
  const evil: Graph = {
    nodes: [{ id: 'a', kind: 'other', lines: ['"];click<b>#1;`x`\n%%'] }],
    edges: [],
  };
  assert.equal(mermaidOf(evil), 'flowchart LR\n  n0[/"#34;#93;#59;click#60;b#62;#35;1#59;#96;x#96;#10;#37;#37;"/]\n');
});

test('an SVG is well-formed, has all names, no secret, and colours for dark and light', async () => {
  const text = svgOf(await graph());
  assert.equal(text, svgOf(await graph()));
  for (const name of ['orders-in', 'orders.dlt', 'trades-${! json.s }', 'group billing', 'dead letters', 'spare'])
    assert.ok(text.includes(`>${name}<`), name);
  assert.match(text, /prefers-color-scheme: dark/);
  assert.doesNotMatch(text, /hunter22|secret/);
  const open: string[] = [];
  for (const [, close, name = '', self] of text.matchAll(/<(\/?)([a-z]+)\b(?:"[^"]*"|[^>"])*?(\/?)>/g)) {
    if (close === '/') assert.equal(open.pop(), name);
    else if (self !== '/') open.push(name);
  }
  assert.deepEqual(open, []);
  const evil: Graph = { nodes: [{ id: 'a', kind: 'topic', lines: ['<script>&"\u0000\ud800'] }], edges: [] };
  assert.ok(svgOf(evil).includes('>&lt;script&gt;&amp;&quot;\uFFFD\uFFFD</text>'));
});

test('no two boxes overlap, edges lead to the right, and boxes have room for their names', async () => {
  const { boxes, lines, width, height } = layoutOf(await graph());
  for (const [at, one] of boxes.entries()) {
    assert.ok(one.x >= 0 && one.y >= 0 && one.x + one.width <= width && one.y + one.height <= height);
    for (const line of one.lines) assert.ok(textWidth(line) <= one.width);
    for (const other of boxes.slice(at + 1))
      assert.ok(
        one.x + one.width <= other.x ||
          other.x + other.width <= one.x ||
          one.y + one.height <= other.y ||
          other.y + other.height <= one.y,
        `${one.node.id} and ${other.node.id}`,
      );
  }
  const back = lines.filter(({ way }) => way.isBack).map(({ way: { edge } }) => `${edge.from} ${edge.to}`);
  assert.deepEqual(back, ['pipeline:retry topic:orders']);
  for (const { way, points } of lines.filter((line) => !line.way.isBack))
    assert.ok((points[0]?.x ?? 0) < (points.at(-1)?.x ?? 0), way.edge.from);
  const lowest = Math.max(...boxes.filter(({ node }) => node.id !== 'topic:spare').map(({ y, height: h }) => y + h));
  assert.ok(lowest <= height);
});

test('a chain of two thousand topics is laid out, and long names are cut', () => {
  const names = Array.from({ length: 2_000 }, (_, at) => `t${at}`);
  const chain: Graph = {
    nodes: names.map((id) => ({ id, kind: 'topic', lines: [id] })),
    edges: names.slice(1).map((to, at) => ({ from: `t${at}`, to, label: '', isSide: false })),
  };
  const { boxes } = layoutOf(chain);
  assert.equal(new Set(boxes.map(({ x }) => x)).size, 2_000);
  assert.equal(new Set(boxes.map(({ y }) => Math.round(y))).size, 1);
  assert.equal(shortened('x'.repeat(100)).length, 44);
  assert.deepEqual(layoutOf({ nodes: [], edges: [] }).boxes, []);
});

test('graph prints Mermaid, or writes SVG into a file, and says why it cannot', async (t) => {
  const file = await written(t, { 'gateway.yaml': FILE });
  assert.equal((await tidegate('graph', file)).stdout, mermaidOf(await graph()));
  const output = join(dirname(file), 'out.svg');
  assert.deepEqual(await tidegate('graph', file, '--format', 'svg', '-o', output), {
    status: 0,
    stdout: '',
    stderr: '',
  });
  assert.equal(readFileSync(output, 'utf8'), svgOf(await graph()));
  assert.match(
    (await tidegate('graph', file, '-o', '/nowhere/x.svg')).stderr,
    /\/nowhere\/x\.svg cannot be written: ENOENT/,
  );
  assert.match((await tidegate('graph', file, '--format', 'png')).stderr, /Allowed choices are mermaid, svg/);
});
