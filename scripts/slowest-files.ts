const SHOWN = 10;

/** The files of a whole run whose tests took longest. `times`: lines of `SECONDS FILE`; a file that was tried again has several. */
export function slowestOf(times: string): string {
  const seconds = new Map<string, number>();
  for (const line of times.split('\n')) {
    const [time = '', file] = line.split(' ', 2);
    if (file !== undefined) seconds.set(file, (seconds.get(file) ?? 0) + Number(time));
  }
  const slowest = [...seconds].sort(([, one], [, other]) => other - one).slice(0, SHOWN);
  const lines = slowest.map(([file, time]) => `${time.toFixed(1).padStart(7)} s  ${file}`);
  return [`the ${slowest.length} slowest of ${seconds.size} files:`, ...lines].join('\n');
}
