/*
 * What channels cost: `npm run bench:channels -- [shapes] [sizes] [unheard] [subscribing] [broadcast] [recovering]`, all where
 * none is named. `--before DIR`: an older version, built there with `npx tsc`, for broadcast. Prints tables for
 * docs/performance.md.
 */
import { cpSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Kind, measureRecovering } from './channels/recovering.ts';
import type { Cost } from './channels/rig.ts';
import { measureBroadcast, measureShapes, SHAPES, type Shape, SIZES } from './channels/shapes.ts';
import { measureSubscribing } from './channels/subscribing.ts';
import { measureUnheard } from './channels/unheard.ts';
import { modulePath } from './child.ts';
import { median } from './numbers.ts';
import { machine } from './report.ts';

const ROUNDS = 5;

type Row = readonly [name: string, ...columns: (readonly number[])[]];

function print(title: string, heads: readonly string[], rows: readonly Row[]): void {
  console.log(`\n| ${[title, ...heads].join(' | ')} |\n|${'---|'.repeat(heads.length + 1)}`);
  for (const [name, ...columns] of rows) console.log(`| ${[name, ...columns.map(spread)].join(' | ')} |`);
}

/** The median, with the smallest and the largest. */
function spread(values: readonly number[]): string {
  const [middle, least, most] = [median(values), Math.min(...values), Math.max(...values)];
  const digits = middle < 10 ? 2 : 0;
  const form = (value: number) =>
    value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return values.length === 1 ? form(middle) : `${form(middle)} (${form(least)}-${form(most)})`;
}

function costRows(found: ReadonlyMap<string | Shape, readonly Cost[]>): Row[] {
  return [...found].map(([key, costs]) => [
    typeof key === 'string' ? key : `${key.name} (${key.sockets.toLocaleString('en-US')} sockets)`,
    costs.map(({ perSecond }) => perSecond),
    costs.map(({ cpu }) => cpu),
  ]);
}

const DELIVERIES = ['deliveries/s', 'us of CPU a delivery'] as const;

const PARTS: Readonly<Record<string, () => Promise<void>>> = {
  shapes: async () => print('shape', DELIVERIES, costRows(await measureShapes(SHAPES, ROUNDS))),
  sizes: async () => print('channels', DELIVERIES, costRows(await measureShapes(SIZES, ROUNDS))),
  unheard: async () => {
    const found = await measureUnheard(ROUNDS);
    print(
      'ns of CPU a record',
      ['channel without listeners', 'pipeline that drops it', 'difference'],
      [
        [
          '',
          found.map(({ unheard }) => unheard),
          found.map(({ dropped }) => dropped),
          found.map(({ unheard, dropped }) => unheard - dropped),
        ],
      ],
    );
  },
  subscribing: async () => {
    const rows: Row[] = [];
    for (const sockets of [1, 100]) {
      const found = [];
      for (let round = 0; round < ROUNDS; round += 1) found.push(await measureSubscribing(sockets));
      rows.push([
        `${sockets}`,
        found.map(({ perSecond }) => perSecond),
        found.map(({ cpu }) => cpu),
        found.map(({ bytes }) => bytes),
      ]);
    }
    print('sockets', ['subscriptions/s', 'us of CPU a subscription', 'bytes a subscription'], rows);
  },
  broadcast: async () => {
    const found = await measureBroadcast(beforeBuild(), 9);
    print('broadcast to 50 sockets', DELIVERIES, costRows(found));
    const [own = [], before = []] = found.values();
    if (before.length > 0)
      print('', ['CPU, by round'], [['this version : before', own.map(({ cpu }, at) => cpu / (before[at]?.cpu ?? 0))]]);
  },
  recovering: async () => {
    const rows: Row[] = [];
    for (const kind of ['ring', 'log'] satisfies Kind[]) {
      const found = await measureRecovering(kind, ROUNDS);
      rows.push([kind, found.map(({ perSecond }) => perSecond), found.map(({ cpu }) => cpu)]);
    }
    print('100 records of a channel, from', ['recoveries/s', 'us of CPU a recovery'], rows);
  },
};

/** Folder of the older version's compiled bench, with these files in it. */
function beforeBuild(): string | undefined {
  const at = process.argv.indexOf('--before');
  const folder = at < 0 ? undefined : process.argv[at + 1];
  if (folder === undefined) return undefined;
  const bench = join(folder, 'dist/bench');
  for (const name of ['child.js', 'channels'])
    cpSync(join(dirname(modulePath('child')), name), join(bench, name), { recursive: true });
  return bench;
}

const named = process.argv.slice(2).filter((word) => word in PARTS);
console.log(machine());
for (const [name, measure] of Object.entries(PARTS)) if (named.length === 0 || named.includes(name)) await measure();
process.exit(0);
