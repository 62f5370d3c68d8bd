import { type Finding, failing, type Path } from '../problem/problem.ts';
import { didYouMean, listNames } from '../problem/suggest.ts';

/** The finding that a test names something that the file does not have. */
export function missing(what: string, name: string, known: Iterable<string>, path: Path): Finding {
  const names = new Set(known);
  const there =
    names.size === 0 ? `the file has no ${what}` : `there ${names.size === 1 ? 'is' : 'are'} ${listNames(names)}`;
  return failing(path, `there is no ${what} "${name}"; ${there}${didYouMean(name, names)}`);
}
