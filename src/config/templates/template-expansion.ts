import { type Finding, failing, type Path } from '../problem/problem.ts';
import { isRecord } from '../problem/record.ts';
import type { Arguments } from '../yaml/parameters.ts';
import type { Body } from '../yaml/template-body.ts';
import type { Source } from '../yaml/yaml-source.ts';
import { type Scope, type Surroundings, TemplateCopier } from './template-copier.ts';
import { type ReadUse, readUse, type Templates } from './template-use.ts';

type Settings = Readonly<Record<string, unknown>>;
type Used = Extract<ReadUse, { readonly template: unknown }> & { readonly scope: Scope };

/** Puts templates in where pipelines and processors use them, those within templates as well. */
export class TemplateExpansion {
  readonly spoiled: Path[] = [];
  private readonly own: Finding[] = [];
  private readonly positions: Source['positions'];
  private readonly templates: Templates;
  private readonly copier: TemplateCopier;
  /** Lists that got longer, the outer ones first: where each of their entries is now. */
  private readonly shifts: { readonly list: Path; readonly to: readonly number[] }[] = [];
  /** A mistake in a template is one, however often the template is used. */
  private readonly reported = new Set<string>();

  constructor({ positions }: Source, templates: Templates, surroundings: Surroundings) {
    this.positions = positions;
    this.templates = templates;
    this.copier = new TemplateCopier(positions, surroundings);
  }

  get findings(): readonly Finding[] {
    return [...this.own, ...this.copier.findings];
  }

  get variables(): Source['variables'] {
    return this.copier.variables;
  }

  pipelines(entries: Settings): Settings {
    const made: Record<string, unknown> = {};
    for (const [name, entry] of Object.entries(entries)) {
      const path = ['pipelines', name];
      const pipeline = isRecord(entry) ? this.pipeline(entry, path) : entry;
      if (pipeline === undefined) this.spoiled.push(path);
      else made[name] = pipeline;
    }
    for (const path of this.copier.spoiled) this.spoiled.push(path);
    return made;
  }

  /** Paths of before, as they are now. */
  moved(paths: readonly Path[]): Path[] {
    return paths.map((path) => {
      let now = path;
      for (const { list, to } of this.shifts) {
        const index = now[list.length];
        const isWithin = typeof index === 'number' && list.every((step, at) => step === now[at]);
        if (isWithin) now = [...list, to[index] ?? index, ...now.slice(list.length + 1)];
      }
      return now;
    });
  }

  /** A pipeline of the file itself; what is beside `template` takes the place of what the template has. */
  private pipeline(entry: Settings, path: Path): Settings | undefined {
    const { template, with: given, ...beside } = entry;
    const own = Array.isArray(beside.processors)
      ? { ...beside, processors: this.steps(beside.processors, [...path, 'processors']) }
      : beside;
    if (!('template' in entry)) return { ...entry, ...own };
    const used = this.use('pipeline', template, given, path);
    return used === undefined ? undefined : { ...this.pipelineOf(used, path, new Set(Object.keys(beside))), ...own };
  }

  private pipelineOf({ name, template, scope }: Used, to: Path, without: ReadonlySet<string>): Settings {
    const from = ['templates', name, 'pipeline'];
    const { template: inner, with: given, ...settings } = template.pipeline ?? {};
    const made: Record<string, unknown> = {};
    if (inner !== undefined) {
      const used = this.use('pipeline', inner, given, from, scope);
      const others = new Set([...without, ...Object.keys(settings)]);
      if (used === undefined) this.spoiled.push(to);
      else Object.assign(made, this.pipelineOf(used, to, others));
    }
    for (const [key, value] of Object.entries(settings)) {
      if (without.has(key)) continue;
      const isSteps = key === 'processors' && Array.isArray(value);
      const copied = isSteps
        ? this.copiedSteps(value, [...from, key], [...to, key], scope)
        : this.copier.copy(value, [...from, key], [...to, key], scope);
      made[key] = copied;
    }
    return made;
  }

  /** A list of processors in the file itself, in whose place in `positions` the longer one is then. */
  private steps(list: readonly unknown[], path: Path): readonly unknown[] {
    const uses = list.map((item, index) => {
      const isUse = isRecord(item) && 'template' in item;
      return isUse ? { used: this.stepUse(item, [...path, index]) } : undefined;
    });
    const places = list.map((_item, index) => this.positions.take([...path, index]));
    const made: unknown[] = [];
    const to: number[] = [];
    for (const [index, item] of list.entries()) {
      const use = uses[index];
      to.push(made.length);
      if (use === undefined) {
        this.positions.put([...path, made.length], places[index]);
        made.push(item);
      } else if (use.used === undefined) this.spoiled.push(path);
      else this.addSteps(made, use.used, path);
    }
    this.shifts.push({ list: path, to });
    // Only now, as the places of inner lists are those of before otherwise.
    for (const at of to) {
      const item = made[at];
      if (isRecord(item) && uses[to.indexOf(at)] === undefined) made[at] = this.withInner(item, [...path, at]);
    }
    return made;
  }

  private withInner(item: Settings, path: Path): Settings {
    const inner = ['try', 'catch'].flatMap((key) => {
      const list = item[key];
      return Array.isArray(list) ? [[key, this.steps(list, [...path, key])] as const] : [];
    });
    return { ...item, ...Object.fromEntries(inner) };
  }

  private addSteps(made: unknown[], { name, template, scope }: Used, to: Path): void {
    for (const [index, item] of (template.processors ?? []).entries())
      this.addStep(made, item, ['templates', name, 'processors', index], to, scope);
  }

  private copiedSteps(list: readonly unknown[], from: Path, to: Path, scope: Scope): unknown[] {
    this.copier.place(from, to, scope);
    const made: unknown[] = [];
    for (const [index, item] of list.entries()) this.addStep(made, item, [...from, index], to, scope);
    return made;
  }

  /** Copies an entry of a template, or what the template in it has, to the end of the list at `to`. */
  private addStep(made: unknown[], item: unknown, from: Path, to: Path, scope: Scope): void {
    if (isRecord(item) && 'template' in item) {
      const used = this.stepUse(item, from, scope);
      if (used === undefined) this.spoiled.push(to);
      else this.addSteps(made, used, to);
      return;
    }
    const at = [...to, made.length];
    if (!isRecord(item) || !('try' in item || 'catch' in item)) {
      made.push(this.copier.copy(item, from, at, scope));
      return;
    }
    this.copier.place(from, at, scope);
    const copied = Object.entries(item).map(([key, value]) => {
      const isSteps = (key === 'try' || key === 'catch') && Array.isArray(value);
      const [inner, target] = [
        [...from, key],
        [...at, key],
      ];
      return [
        key,
        isSteps ? this.copiedSteps(value, inner, target, scope) : this.copier.copy(value, inner, target, scope),
      ];
    });
    made.push(Object.fromEntries(copied));
  }

  private stepUse(item: Settings, path: Path, outer?: Scope): Used | undefined {
    const { template, with: given, ...others } = item;
    for (const key of Object.keys(others)) {
      const message = `"${key}" has no place beside template; an entry that uses one has template and with`;
      this.fail(failing([...path, key], message, { at: 'key' }));
    }
    return this.use('processors', template, given, path, outer);
  }

  /** Undefined, with a finding, where the template cannot be used. */
  private use(body: Body, name: unknown, given: unknown, path: Path, outer?: Scope): Used | undefined {
    if (!this.copier.mayGrow(path)) return undefined;
    const [named, values] = outer === undefined ? [name, given] : this.copier.values([name, given], path, outer);
    const read = readUse({ name: named, given: values, path }, body, this.templates, (at) =>
      this.positions.originOf(at),
    );
    if ('mistakes' in read) {
      for (const mistake of read.mistakes) this.fail(mistake);
      return undefined;
    }
    const names = [...(outer?.names ?? []), read.name];
    if (outer?.names.includes(read.name) === true) {
      this.fail(failing([...path, 'template'], `this is a circle: ${names.join(' uses ')}`));
      return undefined;
    }
    return { ...read, scope: this.scope(read.name, read.given, path, names, outer) };
  }

  private scope(template: string, given: Arguments, path: Path, names: readonly string[], outer?: Scope): Scope {
    const { text, offset } = this.positions.keyOf([...path, 'template']);
    return { given, names, use: { template, text, offset, outer: outer?.use } };
  }

  private fail(finding: Finding): void {
    const subject = JSON.stringify([finding.path, finding.message]);
    if (this.reported.has(subject)) return;
    this.reported.add(subject);
    this.own.push(this.positions.pin(finding));
  }
}
