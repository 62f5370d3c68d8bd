import type { LineCounter } from 'yaml';
import { type Finding, formatPath, type Path, type Problem } from './problem.ts';

interface Place {
  readonly key: number | undefined;
  readonly value: number;
}

/** Where each setting of a file stands, and how a finding becomes a problem with file, line and column. */
export class Positions {
  private readonly file: string;
  private readonly lines: LineCounter | undefined;
  private readonly places = new Map<string, Place>();

  /** Without `lines` there is no text, as where a program hands its settings over as an object. */
  constructor(file: string, lines?: LineCounter) {
    this.file = file;
    this.lines = lines;
  }

  /** Offsets in the text of a setting's key (none in a list) and value. */
  enter(path: Path, key: number | undefined, value: number): void {
    this.places.set(identify(path), { key, value });
  }

  problem(finding: Finding): Problem {
    const { severity, path, message, code = 'TG_CONFIG_INVALID' } = finding;
    const offset = finding.offset ?? this.offsetOf(path, finding.at ?? 'value');
    const place = this.lines?.linePos(offset);
    return {
      severity,
      code,
      file: this.file,
      line: place?.line ?? 0,
      column: place?.col ?? 0,
      path: formatPath(path),
      message,
    };
  }

  /** Offset of a setting, or of the nearest one around it where the file does not have it. */
  private offsetOf(path: Path, at: 'key' | 'value'): number {
    const place = this.places.get(identify(path));
    if (place !== undefined) return at === 'key' ? (place.key ?? place.value) : place.value;
    return path.length === 0 ? 0 : this.offsetOf(path.slice(0, -1), 'key');
  }
}

function identify(path: Path): string {
  return JSON.stringify(path.map(String));
}
