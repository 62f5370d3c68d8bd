import { z } from 'zod';
import { parseSettings } from '../problem/parse.ts';
import { isRecord } from '../problem/record.ts';
import { type Template, templatesSchema } from '../schema/template-schema.ts';
import type { Source } from '../yaml/yaml-source.ts';
import type { Surroundings } from './template-copier.ts';
import { TemplateExpansion } from './template-expansion.ts';
import { lintTemplates } from './template-lint.ts';

const SECTION = z.strictObject({ templates: templatesSchema });

/** Puts templates in where they are used, and takes the sections `templates` and `include` away. Never throws. */
export function expandTemplates(source: Source, surroundings: Surroundings): Source {
  const { value } = source;
  if (!isRecord(value)) return source;
  // What is included is in place already.
  const { templates: section, include: _, ...sections } = value;
  const { config, findings } = parseSettings(SECTION, section === undefined ? {} : { templates: section });
  const templates = new Map<string, Template | undefined>(
    Object.keys(isRecord(section) ? section : {}).map((name) => [name, config?.templates[name]]),
  );
  const expansion = new TemplateExpansion(source, templates, surroundings);
  const { pipelines } = sections;
  const made = isRecord(pipelines) ? { ...sections, pipelines: expansion.pipelines(pipelines) } : sections;
  return {
    ...source,
    value: made,
    // Their paths are those of before.
    findings: [
      ...source.findings.map((one) => source.positions.pin(one)),
      ...findings,
      ...lintTemplates(templates),
      ...expansion.findings,
    ],
    spoiled: [...expansion.moved(source.spoiled), ...expansion.spoiled],
    variables: [
      ...source.variables.map((one) => ({ ...one, path: expansion.moved([one.path])[0] ?? one.path })),
      ...expansion.variables,
    ],
  };
}
