import { chownSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { type BaseImage, baseImages } from './base-images.ts';
import { execute } from './commands.ts';
import { assignments, type Instruction, type Stage } from './dockerfile.ts';

/* Replays what `docker build` does with the stages of a Dockerfile, each in a folder of its own. */

export interface BuiltStage {
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** The last stage, which is the image. */
export function build(stages: readonly Stage[], context: string, scratch: string): BuiltStage {
  const images = baseImages(scratch);
  const built = new Map<string, BuiltStage>();
  for (const stage of stages) {
    const image = images[stage.base];
    if (image === undefined) throw new Error(`${stage.base}: there is no folder in place of this image`);
    built.set(stage.name, buildStage(stage, image, built, context, join(scratch, `stage-${stage.name}`)));
  }
  const last = built.get(stages.at(-1)?.name ?? '');
  if (last === undefined) throw new Error('the Dockerfile has no stage');
  return last;
}

function buildStage(
  stage: Stage,
  image: BaseImage,
  built: ReadonlyMap<string, BuiltStage>,
  context: string,
  root: string,
): BuiltStage {
  mkdirSync(root);
  image.prepare(root);
  let workdir = '/';
  const env: Record<string, string> = {};
  for (const instruction of stage.instructions) {
    const { name, text, flags } = instruction;
    if (name === 'WORKDIR') {
      workdir = resolve(workdir, text);
      mkdirSync(join(root, workdir), { recursive: true });
    } else if (name === 'ENV') Object.assign(env, assignments(text));
    else if (name === 'RUN') {
      console.log(`${stage.name}: ${text}`);
      execute('/usr/sbin/chroot', [root, '/bin/sh', '-ec', `cd ${workdir}\n${text}`], { ...image.env, ...env });
    } else if (name === 'COPY') {
      const from = flags.from === undefined ? context : built.get(flags.from)?.root;
      if (from === undefined) throw new Error(`COPY --from=${flags.from}: there is no such stage before ${stage.name}`);
      copy(instruction, from, root, workdir);
    }
  }
  return { root, workdir, env };
}

/** As COPY: the contents of a folder, or files into a folder; they belong to root where --chown says nothing else. */
function copy({ text, flags }: Instruction, from: string, root: string, workdir: string): void {
  const words = text.split(' ');
  const target = words.pop() ?? '';
  const place = join(root, resolve(workdir, target));
  for (const source of words.map((word) => join(from, word))) {
    if (!existsSync(source)) throw new Error(`COPY ${text}: ${source} is missing`);
    const folder = statSync(source).isDirectory();
    const intoFolder = !folder && (target.endsWith('/') || words.length > 1);
    mkdirSync(folder || intoFolder ? place : join(place, '..'), { recursive: true });
    execute('cp', ['-a', '--no-preserve=ownership', folder ? `${source}/.` : source, place]);
    const [user, group] = (flags.chown ?? '0:0').split(':').map(Number);
    chownSync(intoFolder ? join(place, basename(source)) : place, user ?? 0, group ?? 0);
  }
}
