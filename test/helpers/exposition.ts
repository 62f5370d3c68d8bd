/** A line of a scrape with a value. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly exemplar?: {
    readonly labels: Readonly<Record<string, string>>;
    readonly value: number;
    readonly at: number;
  };
}

export interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly samples: Sample[];
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"/y;
const NUMBER = String.raw`[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN`;
const EXEMPLAR = /^ # (\{.*\}) (\S+) (\d+(?:\.\d+)?)$/;
/** What the samples of a type end with (OpenMetrics 1.0.0; the text format has the same endings, but for counters). */
const ENDINGS: Readonly<Record<string, readonly string[]>> = {
  counter: ['_total'],
  gauge: [''],
  untyped: [''],
  unknown: [''],
  info: ['_info'],
  histogram: ['_bucket', '_sum', '_count'],
};

/** Reads a scrape as strictly as the two formats are described; throws at the first line that breaks them. */
export function parseExposition(text: string, format: 'text' | 'openmetrics'): Family[] {
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line does not end');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('there is no # EOF');
  const families: Family[] = [];
  let help: { name: string; text: string } | undefined;
  for (const line of lines) {
    const [, keyword, name = '', rest = ''] = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) ([^\n]*)$/.exec(line) ?? [];
    if (keyword === 'HELP') help = { name, text: unescaped(rest, format === 'openmetrics') };
    else if (keyword === 'TYPE') {
      if (help?.name !== name) throw new Error(`no HELP in front of ${line}`);
      if (families.some((family) => family.name === name)) throw new Error(`${name} comes twice`);
      families.push({ name, help: help.text, type: rest, samples: [] });
    } else {
      const family = families.at(-1);
      if (family === undefined) throw new Error(`no TYPE in front of ${line}`);
      const sample = sampleOf(line, format);
      if (!namesOf(family, format).includes(sample.name)) throw new Error(`${line} is not of ${family.name}`);
      family.samples.push(sample);
    }
  }
  return families;
}

function namesOf({ name, type }: Family, format: 'text' | 'openmetrics'): string[] {
  const endings = ENDINGS[type];
  if (endings === undefined) throw new Error(`there is no type ${type}`);
  if (format === 'text' && type === 'counter') return [name];
  return endings.map((ending) => `${name}${ending}`);
}

function sampleOf(line: string, format: 'text' | 'openmetrics'): Sample {
  const [name = ''] = /^[a-zA-Z_:][a-zA-Z0-9_:]*/.exec(line) ?? [];
  const { labels, end } = labelsAt(line, name.length);
  const [all = '', value = ''] = new RegExp(`^ (${NUMBER})`).exec(line.slice(end)) ?? [];
  const rest = line.slice(end + all.length);
  if (name === '' || all === '') throw new Error(`${line} is no sample`);
  if (rest === '') return { name, labels, value: numberOf(value) };
  const [, set = '', of = '', at = ''] = EXEMPLAR.exec(rest) ?? [];
  if (format === 'text' || set === '') throw new Error(`${line} goes on behind its value`);
  const exemplar = { labels: labelsAt(set, 0).labels, value: numberOf(of), at: Number(at) };
  return { name, labels, value: numberOf(value), exemplar };
}

function labelsAt(line: string, from: number): { labels: Record<string, string>; end: number } {
  const labels: Record<string, string> = {};
  if (line[from] !== '{') return { labels, end: from };
  for (let at = from + 1; ; at += 1) {
    LABEL.lastIndex = at;
    const [all, name = '', value = ''] = LABEL.exec(line) ?? [];
    if (all === undefined) throw new Error(`${line} has no label at ${at}`);
    if (name in labels) throw new Error(`${line} has ${name} twice`);
    labels[name] = unescaped(value, true);
    at += all.length;
    if (line[at] === '}') return { labels, end: at + 1 };
    if (line[at] !== ',') throw new Error(`${line} has neither , nor } at ${at}`);
  }
}

function unescaped(text: string, hasQuotes: boolean): string {
  return text.replace(/\\(.)/g, (all, character: string) => {
    if (character === 'n') return '\n';
    if (character === '\\' || (hasQuotes && character === '"')) return character;
    throw new Error(`${all} is no escape`);
  });
}

function numberOf(text: string): number {
  return Number(text.replace('Inf', 'Infinity'));
}
