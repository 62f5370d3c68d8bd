import { dirname } from 'node:path';
import { LineCounter, type YAMLError } from 'yaml';
import { type Finding, failing, type Path } from '../problem/problem.ts';
import type { Environment } from './interpolate.ts';
import type { OutsideValues } from './outside-values.ts';
import { Positions } from './positions.ts';
import { blankUnquoted } from './unquoted.ts';
import { composeYaml, MAX_DEPTH, type YamlDocument } from './yaml-document.ts';
import { type FilledVariable, YamlReader } from './yaml-reader.ts';

/** A configuration before any schema has looked at it. */
export interface Source {
  /** Plain data with variables filled in. */
  readonly value: unknown;
  readonly positions: Positions;
  readonly findings: readonly Finding[];
  /** Settings that have a finding already and need no second one. */
  readonly spoiled: readonly Path[];
  /** Variables by the setting they fill. */
  readonly variables: readonly FilledVariable[];
  /** Whether it is made of several files. */
  readonly isOfFiles?: boolean;
}

/** Reads YAML 1.2 and fills variables in, and what `outside` gives; never throws, every mistake is a finding. */
export function readYaml(text: string, file: string, env: Environment, outside?: OutsideValues): Source {
  // A lone CR is a line break in YAML, but not for the library.
  const plain = text.replace(/^\uFEFF/, '').replaceAll(/\r(?!\n)/g, '\n');
  const { text: blanked, unquoted } = blankUnquoted(plain);
  const lines = new LineCounter();
  const positions = new Positions(file, lines, dirname(file));
  const composed = composeYaml(blanked, lines);
  if (typeof composed === 'number') {
    const message = `lists and settings are nested more than ${MAX_DEPTH} levels deep here; no setting is`;
    const findings = [failing([], message, { offset: composed })];
    return { value: undefined, positions, findings, spoiled: [], variables: [] };
  }
  const { document, second } = composed;
  const reader = new YamlReader(document, positions, env, unquoted, outside);
  const value = reader.read();
  const broken = brokenRules(composed);
  const isBroken = document.errors.length > 0 || second !== undefined || reader.isTooLarge;
  if (!isBroken && value === null) broken.push(failing([], EMPTY, { offset: 0 }));
  return {
    value: isBroken || value === null ? undefined : withoutDefinitions(value),
    positions,
    findings: [...broken, ...reader.findings],
    spoiled: reader.spoiled,
    variables: reader.variables,
  };
}

/** Sections whose names begin with `x-`, as in Compose files, are there for their anchors and are not settings. */
function withoutDefinitions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([name]) => !name.startsWith('x-')));
}

const EMPTY = 'is empty; a configuration has sections such as log, listeners, endpoints and pipelines';

function brokenRules({ document, second }: YamlDocument): Finding[] {
  const [error] = document.errors;
  const broken = document.warnings.map((warning) => failing([], explain(warning), { offset: warning.pos[0] }));
  // What the parser says after its first error is mostly a consequence of that.
  if (error !== undefined) broken.push(failing([], explain(error), { offset: error.pos[0] }));
  else if (second !== undefined)
    broken.push(
      failing([], 'a second document begins here (---); a configuration is one document', { offset: second }),
    );
  return broken;
}

function explain(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'a tab is used as indentation; YAML wants spaces';
    case 'TAG_RESOLVE_FAILED':
      return `${error.message}; tags such as !name are not understood, write the plain value`;
    case 'BLOCK_AS_IMPLICIT_KEY':
      return 'a second ": " in one line, or a line that is indented too far; put text that has ": " in it in quotes';
    default:
      return `not YAML: ${error.message}`;
  }
}
