import { FrameGroup, type SharedFrame } from '../../core/shared-frame.ts';

interface Publication {
  readonly frame: SharedFrame;
  /** Its place among those of all channels in this turn. */
  readonly sequence: number;
  /** Frames for all clients before it. */
  readonly told: number;
}

/** What one turn has brought in one channel. */
export class ChannelTurn {
  readonly channel: string;
  readonly publications: Publication[] = [];
  /** Whether several connections get it. */
  isShared = false;
  private made: FrameGroup | undefined;

  constructor(channel: string) {
    this.channel = channel;
  }

  add(publication: Publication): void {
    this.publications.push(publication);
    this.made = undefined;
  }

  /** Made once for all who get nothing else in this turn. */
  get group(): FrameGroup {
    this.made ??= new FrameGroup(this.publications.map(({ frame }) => frame));
    return this.made;
  }
}

/** Puts together what connections get that are in several channels, or also get what is for all clients. */
export class Merging {
  private readonly told: readonly SharedFrame[];
  private turns: readonly ChannelTurn[] = [];
  private made: FrameGroup | undefined;

  /** `told`: what is for all clients. */
  constructor(told: readonly SharedFrame[]) {
    this.told = told;
  }

  /** Whether nothing is for all clients. */
  get isForFew(): boolean {
    return this.told.length === 0;
  }

  /** The next connection with the same channels gets the same. */
  of(turns: readonly ChannelTurn[]): FrameGroup {
    const isSame = turns.length === this.turns.length && turns.every((turn, at) => turn === this.turns[at]);
    if (this.made !== undefined && isSame) return this.made;
    this.turns = turns;
    this.made = new FrameGroup(merge(turns, this.told));
    return this.made;
  }
}

/** Frames of several channels, and those that are for all clients, in the order in which they came. */
function merge(turns: readonly ChannelTurn[], told: readonly SharedFrame[]): SharedFrame[] {
  const publications = inOrder(turns);
  const frames: SharedFrame[] = [];
  let taken = 0;
  for (const publication of publications) {
    for (; taken < publication.told; taken += 1) frames.push(told[taken] as SharedFrame);
    frames.push(publication.frame);
  }
  return taken < told.length ? frames.concat(told.slice(taken)) : frames;
}

/** Turns come in the order of their first publications: they are in order as they are, where each has one. */
function inOrder(turns: readonly ChannelTurn[]): readonly Publication[] {
  const [first] = turns;
  if (turns.length === 1 && first !== undefined) return first.publications;
  const all: Publication[] = [];
  let isInOrder = true;
  for (const { publications } of turns)
    for (const publication of publications) {
      isInOrder &&= (all.at(-1)?.sequence ?? -1) < publication.sequence;
      all.push(publication);
    }
  return isInOrder ? all : all.sort((one, other) => one.sequence - other.sequence);
}
