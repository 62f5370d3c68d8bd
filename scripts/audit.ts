import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';

/*
 * `npm audit --omit=dev`, which exits with 1 for known vulnerabilities as well as for a registry that does not offer the
 * endpoint, as most mirrors do. Only what it prints tells the two apart.
 */

/** Statuses of registries without the endpoint. */
const NOT_OFFERED = [404, 405, 501];

interface Report {
  readonly metadata?: { readonly vulnerabilities?: { readonly total?: number } };
  readonly vulnerabilities?: Readonly<Record<string, { readonly severity: string; readonly range: string }>>;
  readonly statusCode?: number;
  readonly message?: string;
}

export interface Verdict {
  readonly isPassed: boolean;
  readonly text: string;
}

/** What `npm audit --json` has printed, as a verdict. What is no report is not passed. */
export function verdictOf(printed: string): Verdict {
  const report = parsed(printed);
  const total = report.metadata?.vulnerabilities?.total;
  if (total === 0) return { isPassed: true, text: 'no known vulnerability' };
  if (total !== undefined) {
    const found = Object.entries(report.vulnerabilities ?? {}).map(
      ([name, { severity, range }]) => `  ${name} ${range}: ${severity}`,
    );
    return {
      isPassed: false,
      text: [`known vulnerabilities: ${total}; run npm audit --omit=dev`, ...found].join('\n'),
    };
  }
  if (report.statusCode !== undefined && NOT_OFFERED.includes(report.statusCode))
    return { isPassed: true, text: `NOT CHECKED: this registry has no audit endpoint (${report.statusCode})` };
  return {
    isPassed: false,
    text: `npm audit failed: ${report.message ?? (printed.trim().slice(0, 500) || 'no output')}`,
  };
}

function parsed(printed: string): Report {
  try {
    const value: unknown = JSON.parse(printed);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { stdout, error } = spawnSync('npm', ['audit', '--omit=dev', '--json'], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  const { isPassed, text } = verdictOf(stdout);
  (isPassed ? console.log : console.error)(text);
  process.exitCode = isPassed ? 0 : 1;
}
