import { cpus, totalmem } from 'node:os';
import type { ContenderName } from './contenders.ts';
import { median } from './numbers.ts';
import type { Bar, Measured, Metric, Scenario } from './scenarios/scenario.ts';

/** Everything one scenario measured: the runs of each contender, in the order of the rounds. */
export interface Outcome {
  readonly scenario: Scenario;
  readonly runs: ReadonlyMap<ContenderName, readonly Measured[]>;
}

export interface Verdict {
  readonly text: string;
  readonly value: number;
  readonly passes: boolean;
}

/** A table for one scenario, in Markdown: medians, and the least and the greatest value in brackets. */
export function table({ scenario, runs }: Outcome): string {
  const head = ['', ...scenario.metrics.map(({ title }) => title)];
  const rows = [...runs].map(([name, measured]) => [name, ...scenario.metrics.map((metric) => cell(measured, metric))]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) => `| ${row.map((text, i) => text.padEnd(widths[i] ?? 0)).join(' | ')} |`;
  return [line(head), `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`, ...rows.map(line)].join('\n');
}

function cell(measured: readonly Measured[], { name, digits }: Metric): string {
  const values = measured.map((run) => run[name] ?? Number.NaN);
  if (values.some(Number.isNaN)) return '-';
  const text = (value: number) =>
    value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? text(least) : `${text(median(values))} (${text(least)}-${text(most)})`;
}

/** Each bar against what was measured. A ratio is the median of the ratios within each round. */
export function verdicts({ scenario, runs }: Outcome): Verdict[] {
  const own = runs.get('gateway') ?? [];
  return scenario.bars.map((bar) => {
    const other = bar.against === undefined ? undefined : runs.get(bar.against);
    const value = median(
      own.map(
        (run, round) =>
          (run[bar.metric] ?? Number.NaN) / (other === undefined ? 1 : (other[round]?.[bar.metric] ?? Number.NaN)),
      ),
    );
    return {
      value,
      text: describe(scenario, bar),
      passes: value >= (bar.atLeast ?? 0) && value <= (bar.atMost ?? Infinity),
    };
  });
}

function describe({ metrics }: Scenario, { metric, against, atLeast, atMost }: Bar): string {
  const title = metrics.find(({ name }) => name === metric)?.title ?? metric;
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`;
  return against === undefined ? `${title}: ${bound}` : `${title}, gateway : ${against}: ${bound}`;
}

export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} x ${first?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

/** The results as a part of a page. */
export function markdown(outcomes: readonly Outcome[], command: string): string {
  const parts = outcomes.map((outcome) => {
    const bars = verdicts(outcome).map(
      ({ text, value, passes }) => `- ${text}: **${value.toFixed(2)}**${passes ? '' : ' (falls short)'}`,
    );
    return [`### ${outcome.scenario.title}`, '', table(outcome), '', ...bars].join('\n');
  });
  const day = new Date().toISOString().slice(0, 10);
  return [`Measured ${day} with \`${command}\` on ${machine()}.`, ...parts].join('\n\n');
}

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** The page with the part between its marks replaced. */
export function fillPage(page: string, results: string): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no part between ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${results}\n\n${page.slice(end)}`;
}
