/* Reads a Dockerfile: its stages, and what each of them does. Only what ours needs: no here-documents, no ONBUILD. */

export interface Instruction {
  readonly name: string;
  /** `--from=build` as { from: 'build' }. */
  readonly flags: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface Stage {
  readonly base: string;
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

export function readDockerfile(source: string): Stage[] {
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const line of logicalLines(source)) {
    const instruction = readInstruction(line);
    if (instruction.name === 'FROM') {
      const [base = '', , name = String(stages.length)] = instruction.text.split(' ');
      stages.push({ base, name, instructions: [] });
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`${instruction.name} before the first FROM`);
      stage.instructions.push(instruction);
    }
  }
  return stages;
}

/** The text of the last instruction of this name, which is the one that counts for USER, CMD and their like. */
export function lastOf(stage: Stage, name: string): string | undefined {
  return stage.instructions.findLast((one) => one.name === name)?.text;
}

/** `["node", "run"]`; the shell form has no place in an image without a shell. */
export function execForm(text: string): string[] {
  const words: unknown = JSON.parse(text);
  if (!Array.isArray(words) || !words.every((word) => typeof word === 'string')) throw new Error(`not a list: ${text}`);
  return words;
}

/** `A=1 B="two words"`, as ENV, ARG and LABEL have it. */
export function assignments(text: string): Record<string, string> {
  const found = [...text.matchAll(/([^\s=]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))/g)];
  return Object.fromEntries(
    found.map(([, name = '', quoted, plain]) => [name, quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '']),
  );
}

/** Lines without comments; a line that ends with a backslash goes on in the next. */
function logicalLines(source: string): string[] {
  return source
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\s*\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

function readInstruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? [];
  const flags: Record<string, string> = {};
  let text = rest;
  for (let match = flagOf(text); match !== null; match = flagOf(text)) {
    flags[match[1] ?? ''] = match[2] ?? '';
    text = text.slice(match[0].length);
  }
  return { name: name.toUpperCase(), flags, text };
}

function flagOf(text: string): RegExpExecArray | null {
  return /^--([\w-]+)=(\S+)\s+/.exec(text);
}
