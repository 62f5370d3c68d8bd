import type { ExpositionFormat } from './exposition.ts';

/** A media range of an Accept header, in lower case. */
interface Range {
  readonly name: string;
  readonly version: string | undefined;
  readonly quality: number;
}

/**
 * The format that a scraper likes better (RFC 9110 12.5.1): OpenMetrics only where it is named, in a version that we
 * write. A client that accepts neither gets the text all the same.
 */
export function formatFor(accept = '*/*'): ExpositionFormat {
  const ranges = accept.split(',').map(rangeOf);
  const openMetrics = qualityOf(['application/openmetrics-text'], '1.0.0', ranges);
  if (openMetrics === undefined || openMetrics === 0) return 'text';
  const text = qualityOf(['text/plain', 'text/*', '*/*'], '0.0.4', ranges) ?? 0;
  return openMetrics >= text ? 'openmetrics' : 'text';
}

/** By the first of the names, most exact first, that is among the ranges; undefined where none is. */
function qualityOf(names: readonly string[], version: string, ranges: readonly Range[]): number | undefined {
  for (const name of names) {
    const found = ranges.filter((range) => range.name === name && (range.version ?? version) === version);
    if (found.length > 0) return Math.max(...found.map(({ quality }) => quality));
  }
  return undefined;
}

function rangeOf(text: string): Range {
  const [name = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const read = new Map(parameters.map((parameter) => parameter.split('=', 2) as [string, string | undefined]));
  const quality = Number(read.get('q') ?? 1);
  return {
    name,
    version: read.get('version')?.replaceAll('"', ''),
    // What is not a number is ignored.
    quality: Number.isNaN(quality) ? 0 : quality,
  };
}
