/** Letters of java.text.SimpleDateFormat that are supported. */
export const letters = ['y', 'M', 'd', 'D', 'E', 'a', 'H', 'k', 'K', 'h', 'm', 's', 'S', 'z', 'Z', 'X'] as const;

export type Letter = (typeof letters)[number];

/** A part of a pattern: a letter with how often it is there, or text. */
export type DatePart = { readonly letter: Letter; readonly width: number } | { readonly text: string };

export const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
export const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

type Writer = (date: Date, width: number) => string;

const number =
  (read: (date: Date) => number): Writer =>
  (date, width) =>
    String(read(date)).padStart(width, '0');

const DAY = 86_400_000;

/** What a letter is in a text, by how often it is in the pattern. */
export const fieldWriters: Readonly<Record<Letter, Writer>> = {
  y: (date, width) =>
    width === 2
      ? String(date.getUTCFullYear()).slice(-2).padStart(2, '0')
      : number((one) => one.getUTCFullYear())(date, width),
  M: (date, width) => {
    const month = date.getUTCMonth();
    if (width < 3) return String(month + 1).padStart(width, '0');
    return named(MONTHS, month, width);
  },
  d: number((date) => date.getUTCDate()),
  D: number((date) => 1 + Math.floor((date.getTime() - Date.UTC(date.getUTCFullYear(), 0, 1)) / DAY)),
  E: (date, width) => named(DAYS, date.getUTCDay(), width),
  a: (date) => (date.getUTCHours() < 12 ? 'AM' : 'PM'),
  H: number((date) => date.getUTCHours()),
  k: number((date) => date.getUTCHours() || 24),
  K: number((date) => date.getUTCHours() % 12),
  h: number((date) => date.getUTCHours() % 12 || 12),
  m: number((date) => date.getUTCMinutes()),
  s: number((date) => date.getUTCSeconds()),
  S: number((date) => date.getUTCMilliseconds()),
  z: (_date, width) => (width < 4 ? 'UTC' : 'Coordinated Universal Time'),
  Z: () => '+0000',
  X: () => 'Z',
};

function named(names: readonly string[], at: number, width: number): string {
  const name = names[at] ?? '';
  return width < 4 ? name.slice(0, 3) : name;
}
