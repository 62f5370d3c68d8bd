// Slow: it runs rooms of several gateways, in many orders.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chat } from '../../src/codecs/chat.ts';
import { rooms } from '../../src/codecs/rooms.ts';
import type { Codec } from '../../src/core/component.ts';
import type { Log } from '../../src/core/log.ts';
import { make } from '../unit/codecs/made.ts';
import { openRoomLog, type Peer, RoomGateway } from './rooms-rig.ts';

/*
 * Gateways die and return, clients join, talk, kick each other and leave. Only `Settle` waits, and compares the room with
 * the model.
 */

const SLOTS = 3;
const TIMEOUT = 5_000;
const NAMES = ['Ann', 'Bob', 'Eve'];

/** A message that the members of that time must receive, and with replay all clients. */
interface Broadcast {
  readonly text: string;
  readonly by: Client;
  readonly hearers: readonly Client[];
}

/** A client as the model has it. */
interface Client {
  readonly peer: Peer;
  /** The name that it asked for; without one the room gives it a number. */
  readonly asked: string | undefined;
  /** Whether another client may hold the name that it asked for. */
  isContested: boolean;
  /** Whether it has to be a member, must not be one, or may be either. */
  fate: 'in' | 'out' | 'either';
  /** Whether all clients have seen it leave. */
  isOver: boolean;
}

interface Model {
  readonly clients: Client[];
  readonly slots: boolean[];
  readonly broadcasts: Broadcast[];
  /** Whether newcomers get earlier messages. */
  readonly replays: boolean;
  readonly directs: { readonly text: string; readonly by: Client; readonly to: Client }[];
  serial: number;
  /** Whether a kick-all is in flight: it is for the members when it reaches their gateway, and may reach new ones. */
  isEmptying: boolean;
}

class System {
  readonly log: Log;
  readonly codec: Codec;
  readonly replays: boolean;
  readonly slots: (RoomGateway | undefined)[] = [];
  private readonly ended: Promise<void>[] = [];
  private wake: () => void = () => {};

  private constructor(log: Log, codec: Codec, replays: boolean) {
    this.log = log;
    this.codec = codec;
    this.replays = replays;
  }

  static async start(codec: Codec, replays: boolean): Promise<System> {
    const system = new System(await openRoomLog(), codec, replays);
    for (const slot of [0, 1]) system.startGateway(slot);
    return system;
  }

  get gateways(): RoomGateway[] {
    return this.slots.filter((gateway) => gateway !== undefined);
  }

  /**
   * Whether the log has all that was written. Leases never end, and where the machine is busy one of them is always under
   * way: so each gateway must have had nothing under way once since anything else was written.
   */
  get isQuiet(): boolean {
    const { gateways } = this;
    const written = gateways.reduce((sum, gateway) => sum + gateway.written, 0);
    for (const gateway of gateways) if (gateway.isIdle) gateway.idleAt = written;
    return gateways.every(({ idleAt, unsettled }) => idleAt === written && unsettled === 0);
  }

  startGateway(slot: number): void {
    const gateway = new RoomGateway(this.log, this.codec, this.replays);
    gateway.heard = () => this.wake();
    gateway.start();
    this.slots[slot] = gateway;
  }

  endGateway(slot: number, how: 'kill' | 'stop'): void {
    const gateway = this.slots[slot];
    this.slots[slot] = undefined;
    if (gateway !== undefined) this.ended.push(gateway[how]());
  }

  /** Asks after whatever a peer hears, and every few milliseconds. */
  async until(condition: () => string | undefined): Promise<void> {
    for (const end = Date.now() + TIMEOUT; ; ) {
      const missing = condition();
      if (missing === undefined) return;
      if (Date.now() > end) throw new Error(`not so after ${TIMEOUT} ms: ${missing}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 10);
        this.wake = () => {
          clearTimeout(timer);
          setImmediate(resolve);
        };
      });
    }
  }

  async end(): Promise<void> {
    for (const slot of this.slots.keys()) this.endGateway(slot, 'kill');
    await Promise.all(this.ended);
    await this.log.close();
  }
}

/** What a client has become: the name under which it was welcomed. */
function nameOf({ peer, asked }: Client): string | undefined {
  const [first] = peer.frames;
  if (first === undefined) return undefined;
  if (asked === undefined) return (JSON.parse(first) as { clientId: string }).clientId;
  return first === `Hi ${asked}! You have succesfully connected to the chat` ? asked : undefined;
}

function isIn(client: Client): boolean {
  return client.peer.isOpen && nameOf(client) !== undefined;
}

/** Whether its gateway reads what it sends now: a client that is being closed is not read any more. */
function isHeard(client: Client): boolean {
  return isIn(client) && client.fate !== 'out';
}

/** Texts that this client heard, from everyone or for itself alone. */
function heard({ peer, asked }: Client, kind: 'kafka' | 'direct'): string[] {
  if (asked !== undefined)
    return peer.frames.flatMap((line) => (/: text \d+$/.test(line) ? [line.replace(/^.*: /, '')] : []));
  return peer.frames
    .map((frame) => JSON.parse(frame) as { type: string; message: string })
    .flatMap(({ type, message }) => (type === kind ? [message] : []));
}

/** The members by the frames that a client of the rooms protocol received. */
function view({ peer }: Client): string[] {
  const members = new Set<string>();
  for (const frame of peer.frames) {
    const {
      type,
      clientId = '',
      clients = [],
    } = JSON.parse(frame) as {
      type: string;
      clientId?: string;
      clients?: string[];
    };
    if (type === 'client-connected') members.add(clientId);
    else if (type === 'client-disconnected') members.delete(clientId);
    else if (type === 'client-list') {
      members.clear();
      for (const client of clients) members.add(client);
    }
  }
  return [...members].sort();
}

type Command = fc.AsyncCommand<Model, System>;

abstract class Act implements Command {
  check(_model: Readonly<Model>): boolean {
    return true;
  }

  async run(model: Model, system: System): Promise<void> {
    await this.act(model, system);
    // Sometimes one turn of the event loop is all that there is between two commands.
    await new Promise((resolve) => setImmediate(resolve));
  }

  protected abstract act(model: Model, system: System): void | Promise<void>;
}

class Join extends Act {
  private readonly slot: number;
  private readonly name: string | undefined;

  constructor(slot: number, name: string | undefined) {
    super();
    this.slot = slot;
    this.name = name;
  }

  override check({ slots }: Readonly<Model>): boolean {
    return slots[this.slot] === true;
  }

  protected override act(model: Model, system: System): void {
    join(model, system, this.slot, this.name);
  }

  override toString(): string {
    return `join(${this.slot}, ${this.name})`;
  }
}

class Pass extends Act {
  private readonly milliseconds: number;

  constructor(milliseconds: number) {
    super();
    this.milliseconds = milliseconds;
  }

  protected override act(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, this.milliseconds));
  }

  override toString(): string {
    return `pass(${this.milliseconds})`;
  }
}

/** The same name on every gateway in the same turn. */
class Race extends Act {
  private readonly name: string | undefined;

  constructor(name: string | undefined) {
    super();
    this.name = name;
  }

  protected override act(model: Model, system: System): void {
    for (const [slot, isUp] of model.slots.entries()) if (isUp) join(model, system, slot, this.name);
  }

  override toString(): string {
    return `race(${this.name})`;
  }
}

function join(model: Model, system: System, slot: number, asked: string | undefined): void {
  const gateway = system.slots[slot];
  assert.ok(gateway);
  const rivals = model.clients.filter((client) => asked !== undefined && client.asked === asked && !client.isOver);
  for (const rival of rivals) if (nameOf(rival) === undefined) rival.isContested = true;
  const isContested = rivals.length > 0;
  const fate = isContested || model.isEmptying ? 'either' : 'in';
  for (const rival of rivals) if (rival.fate === 'in' && !isIn(rival)) rival.fate = 'either';
  model.clients.push({ peer: gateway.join(asked), asked, isContested, fate, isOver: false });
}

/** Does something with one of the clients that are connected. */
abstract class ByClient extends Act {
  protected readonly which: number;

  constructor(which: number) {
    super();
    this.which = which;
  }

  protected override act(model: Model): void {
    const open = model.clients.filter(({ peer }) => peer.isOpen);
    const client = open[this.which % Math.max(1, open.length)];
    const other = open[(this.which * 7 + 3) % Math.max(1, open.length)];
    if (client !== undefined && other !== undefined) this.let(client, other, model);
  }

  protected abstract let(client: Client, other: Client, model: Model): void;

  override toString(): string {
    return `${this.constructor.name}(${this.which})`;
  }
}

class Leave extends ByClient {
  protected override let(client: Client): void {
    client.fate = 'out';
    client.peer.hangsUp();
  }
}

class Say extends ByClient {
  protected override let(client: Client, _: Client, model: Model): void {
    const text = `text ${model.serial}`;
    model.serial += 1;
    // A member that is not in yet is heard once it is; whether all others are there by then is not known.
    if (isHeard(client)) model.broadcasts.push({ text, by: client, hearers: model.clients.filter(isIn) });
    client.peer.says(client.asked === undefined ? JSON.stringify({ type: 'broadcast', message: text }) : text);
  }
}

class Whisper extends ByClient {
  protected override let(client: Client, other: Client, model: Model): void {
    const to = nameOf(other);
    if (to === undefined || !isHeard(client) || client.asked !== undefined) return;
    const text = `text ${model.serial}`;
    model.serial += 1;
    if (client.peer.gateway.names.includes(to)) model.directs.push({ text, by: client, to: other });
    client.peer.says(JSON.stringify({ type: 'broadcast-one', targetId: to, message: text }));
  }
}

class Kick extends ByClient {
  protected override let(client: Client, other: Client): void {
    const name = nameOf(other);
    if (name === undefined || !isHeard(client) || client.asked !== undefined) return;
    if (client.peer.gateway.names.includes(name)) other.fate = 'out';
    client.peer.says(JSON.stringify({ type: 'kick-one', targetId: name }));
  }
}

class KickAll extends ByClient {
  protected override let(client: Client, _: Client, model: Model): void {
    if (!isHeard(client) || client.asked !== undefined) return;
    for (const each of model.clients)
      if (each.fate !== 'out' && each.peer.isOpen) each.fate = isIn(each) ? 'out' : 'either';
    model.isEmptying = true;
    client.peer.says(JSON.stringify({ type: 'kick-all' }));
  }
}

class End extends Act {
  private readonly slot: number;
  private readonly how: 'kill' | 'stop';

  constructor(slot: number, how: 'kill' | 'stop') {
    super();
    this.slot = slot;
    this.how = how;
  }

  override check({ slots }: Readonly<Model>): boolean {
    return slots[this.slot] === true && slots.filter((isUp) => isUp).length > 1;
  }

  protected override act(model: Model, system: System): void {
    model.slots[this.slot] = false;
    const isOurs = ({ peer }: Client) => peer.gateway === system.slots[this.slot];
    for (const client of model.clients) if (isOurs(client)) client.fate = 'out';
    if (this.how === 'kill') this.forget(model, isOurs);
    system.endGateway(this.slot, this.how);
  }

  /** What it was about to pass on may be lost; clients of another one that stops have to go all the same. */
  private forget(model: Model, isOurs: (client: Client) => boolean): void {
    model.broadcasts.splice(0, model.broadcasts.length, ...model.broadcasts.filter(({ by }) => !isOurs(by)));
    model.directs.splice(0, model.directs.length, ...model.directs.filter(({ by }) => !isOurs(by)));
    for (const client of model.clients)
      if (client.fate === 'out' && client.peer.isOpen && client.peer.gateway.isUp && !isOurs(client))
        client.fate = 'either';
  }

  override toString(): string {
    return `${this.how}(${this.slot})`;
  }
}

class Start extends Act {
  private readonly slot: number;

  constructor(slot: number) {
    super();
    this.slot = slot;
  }

  override check({ slots }: Readonly<Model>): boolean {
    return slots[this.slot] !== true;
  }

  protected override act(model: Model, system: System): void {
    model.slots[this.slot] = true;
    system.startGateway(this.slot);
  }

  override toString(): string {
    return `start(${this.slot})`;
  }
}

class Settle extends Act {
  protected override async act(model: Model, system: System): Promise<void> {
    await system.until(() => unsettled(model, system));
    for (const client of model.clients) {
      if (!client.peer.isOpen) client.isOver = true;
      else client.fate = 'in';
    }
    checkNames(model);
    checkHearing(model);
    assert.deepEqual(
      system.gateways.flatMap(({ kept }) => kept.errors()),
      [],
    );
    model.isEmptying = false;
    if (!model.replays) model.broadcasts.splice(0);
    model.directs.splice(0);
  }

  override toString(): string {
    return 'settle';
  }
}

/** What is not yet as the model has it. */
function unsettled(model: Model, system: System): string | undefined {
  if (system.gateways.some(({ isReady }) => !isReady)) return 'all gateways are ready';
  for (const client of model.clients) {
    const { peer, fate, asked } = client;
    if (peer.isOpen && nameOf(client) === undefined) return `a client that asked for ${asked} has its answer`;
    if (fate === 'in' && !peer.isOpen) return `${nameOf(client)} is in, but was closed with ${peer.closed}`;
    if (fate === 'out' && peer.isOpen) return `${nameOf(client)} is out`;
  }
  // A dead one's claims keep names, also lost ones, until its death is known, as do lost claims until their tombstones.
  if (system.gateways.some(({ others }) => others !== system.gateways.length - 1))
    return 'all gateways know which are dead';
  if (!system.isQuiet) return 'everything is in the log';
  const present = model.clients.filter(isIn);
  const names = present.map((client) => nameOf(client) as string).sort();
  for (const gateway of system.gateways) {
    const known = [...gateway.names].sort();
    if (known.join() !== names.join()) return `${known} are ${names}`;
  }
  for (const client of present)
    if (client.asked === undefined && view(client).join() !== names.join()) return `${view(client)} are ${names}`;
  return unheard(model);
}

function unheard({ clients, replays, broadcasts, directs }: Model): string | undefined {
  for (const { text, hearers } of broadcasts)
    for (const hearer of replays ? clients : hearers)
      if (hearer.peer.isOpen && !heard(hearer, 'kafka').includes(text)) return `${nameOf(hearer)} hears "${text}"`;
  for (const { text, to } of directs)
    if (to.peer.isOpen && !heard(to, 'direct').includes(text)) return `${nameOf(to)} alone hears "${text}"`;
  return undefined;
}

/** Who was refused had a rival; each name has one bearer at most; lines about a name take turns. */
function checkNames({ clients }: Model): void {
  for (const client of clients) {
    if (client.peer.closed === 1003) assert.ok(client.isContested, `${client.asked} was refused for nothing`);
    if (client.asked === undefined) continue;
    for (const name of NAMES) {
      const lines = client.peer.frames.filter((line) =>
        [`${name} connected to chat`, `${name} left the chat`].includes(line),
      );
      for (const [at, line] of lines.entries()) assert.notEqual(line, lines[at + 1], 'news comes twice');
    }
  }
  const bearers = clients.filter(isIn).map(nameOf);
  assert.equal(new Set(bearers).size, bearers.length, `${bearers}`);
}

function checkHearing({ clients, directs }: Model): void {
  for (const client of clients) {
    for (const kind of ['kafka', 'direct'] as const) {
      const texts = heard(client, kind);
      assert.equal(new Set(texts).size, texts.length, `${nameOf(client)} heard twice`);
    }
  }
  for (const { text, to } of directs)
    for (const client of clients)
      assert.ok(client === to || !heard(client, 'direct').includes(text), `${text} went astray`);
}

const RUNS = Number(process.env.ROOM_RUNS ?? 25);
const slot = fc.nat(SLOTS - 1);
const which = fc.nat(30);

function commandsOf(name: fc.Arbitrary<string | undefined>) {
  const times = (count: number, act: fc.Arbitrary<Command>) => Array.from({ length: count }, () => act);
  const acts = [
    ...times(
      5,
      fc.tuple(slot, name).map((of) => new Join(...of)),
    ),
    ...times(
      2,
      name.map((of) => new Race(of)),
    ),
    ...times(
      3,
      which.map((of) => new Leave(of)),
    ),
    ...times(
      6,
      which.map((of) => new Say(of)),
    ),
    ...times(
      3,
      which.map((of) => new Whisper(of)),
    ),
    ...times(
      2,
      which.map((of) => new Kick(of)),
    ),
    ...times(
      1,
      which.map((of) => new KickAll(of)),
    ),
    ...times(
      2,
      fc.tuple(slot, fc.constantFrom('kill', 'stop')).map((of) => new End(...of)),
    ),
    ...times(
      2,
      slot.map((of) => new Start(of)),
    ),
    ...times(
      4,
      fc.integer({ min: 1, max: 30 }).map((of) => new Pass(of)),
    ),
    ...times(2, fc.constant(new Settle())),
  ];
  return fc.commands(acts, { maxCommands: 60, size: 'max' });
}

async function play(codec: Codec, replays: boolean, commands: Iterable<Command>): Promise<void> {
  const system = await System.start(codec, replays);
  const model: Model = {
    clients: [],
    slots: [true, true, false],
    broadcasts: [],
    directs: [],
    replays,
    serial: 0,
    isEmptying: false,
  };
  try {
    await fc.asyncModelRun(() => ({ model, real: system }), commands);
    await new Settle().run(model, system);
  } finally {
    await system.end();
  }
}

for (const [spec, name] of [
  [rooms, fc.constant(undefined)],
  [chat, fc.constantFrom(...NAMES)],
] as const)
  test(`${spec.name}: all clients end with the members of the model and have received everything once`, {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), commandsOf(name), (replays, commands) => play(make(spec), replays, commands)),
      { numRuns: RUNS, includeErrorInReport: true, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: true },
    );
  });
