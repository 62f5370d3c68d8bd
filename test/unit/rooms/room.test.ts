import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NEVER } from 'rxjs';
import type { Guest, RoomEndpoint } from '../../../src/actors/endpoint/room-port.ts';
import type { ConnectionInfo } from '../../../src/core/connection-info.ts';
import type { Farewell } from '../../../src/core/frame.ts';
import type { Identity, Member, MemberEvent } from '../../../src/core/membership.ts';
import { type AllowedActions, Permissions } from '../../../src/core/permissions.ts';
import type { SharedFrame } from '../../../src/core/shared-frame.ts';
import type { CommandDone, CommandOutcome, Newcomer, PresenceObserver, PresencePort } from '../../../src/rooms/port.ts';
import { Room, type RoomOptions } from '../../../src/rooms/room.ts';
import { keptLogger } from '../actors/rig.ts';
import { shared, textOf } from '../actors/shared.ts';
import { HandClock } from '../core/hand-clock.ts';

const NO_DETAILS = {};
const ignored = () => {};
const member = (name: string): Member => ({ name, details: NO_DETAILS });

/** A client that records what happens to it in the diary of the room. */
class FakeGuest implements Guest {
  info: ConnectionInfo;
  private readonly diary: string[];
  readonly id: string;
  readonly permissions: Permissions;

  constructor(id: string, diary: string[], asks: Readonly<Record<string, string>> = {}, allow: AllowedActions = {}) {
    this.id = id;
    this.diary = diary;
    this.permissions = new Permissions({ direct: 'everyone', kick: 'everyone', ...allow });
    this.info = { clientId: id, endpoint: 'room', params: asks, query: {} };
  }

  admit(name: string): void {
    this.info = { ...this.info, clientId: name };
    this.diary.push(`${this.id} is ${name}`);
  }

  /** Whether it takes direct messages. */
  isFree = true;

  hear(event: MemberEvent): boolean {
    if (!this.isFree) return false;
    const words = event.type === 'refused' ? `${event.action} ${event.target} ${event.reason}` : JSON.stringify(event);
    this.diary.push(`${this.id} hears ${event.type}: ${words}`);
    return true;
  }

  inform(frame: SharedFrame): void {
    this.diary.push(`${this.id} < ${textOf(frame)}`);
  }

  dismiss({ code, reason }: Farewell): void {
    this.diary.push(`${this.id} closed ${code} ${reason}`);
  }
}

/** Records what the room asks for, and answers as the test says. */
class FakePresence implements PresencePort {
  names: readonly string[] = [];
  notReadyReason = undefined;
  readonly joined: Newcomer[] = [];
  readonly left: Newcomer[] = [];
  readonly commands: string[] = [];
  outcome: CommandOutcome = 'sent';
  readonly lease = { isHeld: true, changed$: NEVER };
  readonly authorship = [];
  /** For the test to say what became of each command. */
  readonly ends: CommandDone[] = [];

  start(): void {}

  authorOf(): undefined {}

  join(newcomer: Newcomer): void {
    this.joined.push(newcomer);
  }

  leave(newcomer: Newcomer): void {
    this.left.push(newcomer);
  }

  direct(from: string, to: string, content: string, done: CommandDone): CommandOutcome {
    this.ends.push(done);
    this.commands.push(`${from} to ${to}: ${content}`);
    return this.outcome;
  }

  kick(by: string, target: string | undefined, done: CommandDone): CommandOutcome {
    this.ends.push(done);
    this.commands.push(`${by} kicks ${target ?? 'everyone'}`);
    return this.outcome;
  }

  isTooLate(): boolean {
    return false;
  }

  wasTooLate(): boolean {
    return false;
  }

  abandon(): void {}
  async resign(): Promise<void> {}
  async close(): Promise<void> {}
}

interface Setting {
  readonly allow?: AllowedActions;
  readonly hasList?: boolean;
  readonly identify?: (info: ConnectionInfo) => Identity;
  readonly size?: number;
  /** Called for each list that is made. */
  readonly listed?: () => void;
  /** Called for each change that is announced. */
  readonly announced?: () => void;
}

class RoomRig {
  readonly presence = new FakePresence();
  readonly kept = keptLogger();
  readonly room: Room<FakeGuest>;
  private readonly diary: string[] = [];
  private readonly allow: AllowedActions;

  constructor({ allow = {}, hasList = true, identify = numbered, size = 10, listed, announced }: Setting = {}) {
    const { presence, diary } = this;
    this.allow = allow;
    let observer: PresenceObserver | undefined;
    const home: RoomEndpoint<FakeGuest> = {
      said: (what, make) => {
        try {
          const frame = make();
          return frame === null ? null : shared(frame.data.toString());
        } catch {
          diary.push(`failed on ${what}`);
          return null;
        }
      },
      sendWaiting: () => void diary.push('waiting frames are sent'),
      tellOthers: (frames, except) => {
        if (frames.length > 0)
          diary.push(`all but [${[...except].map(({ id }) => id)}] < ${frames.map(textOf).join(' ')}`);
      },
      replay: ({ id }) => void diary.push(`${id} gets the history`),
      closeAllForRestart: () => void diary.push('all closed'),
      size,
    };
    const options: RoomOptions = {
      membership: {
        identify,
        event: () => [],
        announce: ({ type, member: { name } }) => {
          announced?.();
          return { data: `${type === 'joined' ? '+' : '-'}${name}`, binary: false };
        },
        list: (names) => {
          listed?.();
          return hasList ? { data: `[${names}]`, binary: false } : null;
        },
      },
      presence: (given) => {
        observer = given;
        return presence;
      },
      clock: new HandClock(),
      logger: this.kept.logger,
    };
    this.room = new Room<FakeGuest>(options, home);
    assert.equal(observer, this.room);
  }

  guest(id: string, asks?: Readonly<Record<string, string>>): FakeGuest {
    return new FakeGuest(id, this.diary, asks, this.allow);
  }

  /** A client that is a member with that name. */
  enter(id: string, name: string): FakeGuest {
    const { room, presence } = this;
    const guest = this.guest(id);
    room.enter(guest);
    const newcomer = presence.joined.at(-1);
    assert.ok(newcomer);
    presence.names = [...presence.names, name];
    room.changed([{ type: 'joined', member: member(name), newcomer }]);
    return guest;
  }

  /** What has happened since the last call. */
  takeDiary(): string[] {
    return this.diary.splice(0);
  }
}

function numbered(): Identity {
  return { type: 'numbered', prefix: 'client-' };
}

function named({ params }: ConnectionInfo): Identity {
  return { type: 'named', name: params.name ?? '', details: NO_DETAILS, taken: { code: 1003, reason: 'taken' } };
}

test('a codec that fails on a change or on the list keeps no client out', () => {
  const fail = () => {
    throw new Error('codec bug');
  };
  const rig = new RoomRig({ announced: fail, listed: fail });
  rig.enter('a', 'anna');
  rig.room.sweep();
  const diary = rig.takeDiary();
  assert.ok(diary.includes('a is anna'));
  assert.deepEqual(
    [...new Set(diary.filter((line) => line.startsWith('failed')))],
    ['failed on a change in the room', 'failed on the list of members'],
  );
});

test('a client with an invalid identity is closed, and not announced', () => {
  const farewell = { code: 1008, reason: 'no such name' };
  const rig = new RoomRig({ identify: () => ({ type: 'refused', farewell }) });
  const { room, presence } = rig;
  const one = rig.guest('a');
  room.enter(one);
  room.leave(one);
  assert.deepEqual(rig.takeDiary(), ['a closed 1008 no such name']);
  assert.deepEqual([presence.joined, presence.left], [[], []]);
});

test('a codec that throws in identify closes only that client', () => {
  const rig = new RoomRig({
    identify: () => {
      throw new Error('codec bug');
    },
  });
  const { room, presence } = rig;
  room.enter(rig.guest('a'));
  assert.deepEqual(rig.takeDiary(), ['a closed 1011 internal error']);
  assert.deepEqual(presence.joined, []);
  assert.match(rig.kept.errors().join(), /identify/);
});

test('a newcomer gets its name, the list and the history, in this order, and is announced', () => {
  const rig = new RoomRig();
  rig.enter('a', 'client-1');
  rig.takeDiary();
  rig.enter('b', 'client-2');
  assert.deepEqual(rig.takeDiary(), [
    // Frames from before are not for the newcomer, which gets them with the history.
    'waiting frames are sent',
    'b is client-2',
    'b < [client-1,client-2]',
    'b gets the history',
    'all but [b] < +client-2',
  ]);
});

test('without lists a newcomer gets only the changes after its own joining', () => {
  const rig = new RoomRig({ hasList: false });
  const { room, presence } = rig;
  const [one, two] = [rig.guest('a'), rig.guest('b')];
  room.enter(one);
  room.enter(two);
  const [first, second] = presence.joined as [Newcomer, Newcomer];
  room.changed([
    { type: 'joined', member: member('before') },
    { type: 'joined', member: member('ann'), newcomer: first },
    { type: 'left', member: member('before') },
    { type: 'joined', member: member('bob'), newcomer: second },
  ]);
  assert.deepEqual(rig.takeDiary(), [
    'waiting frames are sent',
    'a is ann',
    'b is bob',
    'a < -before',
    'a < +bob',
    'a gets the history',
    'b gets the history',
    'all but [a,b] < +before +ann -before +bob',
  ]);
});

test('a client whose name is taken is closed as its protocol says, and not announced', () => {
  const rig = new RoomRig({ identify: named });
  const { room, presence } = rig;
  const one = rig.guest('a', { name: 'ann' });
  room.enter(one);
  const [newcomer] = presence.joined;
  assert.ok(newcomer);
  rig.takeDiary();
  room.changed([{ type: 'taken', newcomer }]);
  const diary = rig.takeDiary();
  assert.ok(diary.includes('a closed 1003 taken'));
  assert.deepEqual(
    diary.filter((line) => line.includes('ann')),
    [],
  );
  room.leave(one);
  assert.deepEqual(presence.left, [], 'it never was in');
});

test('a client leaves once, whether it was a member or not', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const waiting = rig.guest('a');
  room.enter(waiting);
  const inside = rig.enter('b', 'client-2');
  for (const one of [waiting, inside, waiting, inside]) room.leave(one);
  assert.deepEqual(presence.left, presence.joined);
});

test('a client that left before it joined does not join', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const one = rig.guest('a');
  room.enter(one);
  const [newcomer] = presence.joined;
  assert.ok(newcomer);
  room.leave(one);
  room.changed([{ type: 'joined', member: member('client-1'), newcomer }]);
  assert.ok(!rig.takeDiary().some((line) => line.startsWith('a ')));
});

test('direct messages and kicks go to the presence under the name of the sender', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const one = rig.enter('a', 'client-1');
  room.direct(one, 'client-2', 'Hello', ignored);
  room.kick(one, 'client-2', ignored);
  room.kick(one, undefined, ignored);
  assert.deepEqual(presence.commands, [
    'client-1 to client-2: Hello',
    'client-1 kicks client-2',
    'client-1 kicks everyone',
  ]);
  assert.equal(rig.kept.infos().filter((text) => text === 'a client kicks another client').length, 2);
});

test('a command stays in flight until its outcome is known, and a loss is sent to the sender', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const one = rig.enter('a', 'client-1');
  rig.takeDiary();
  const freed: string[] = [];
  room.direct(one, 'x', 'Hello', () => void freed.push('direct'));
  room.kick(one, 'y', () => void freed.push('kick'));
  assert.equal(freed.length, 0);
  presence.ends[1]?.(true);
  assert.deepEqual([freed, rig.takeDiary()], [['kick'], []]);
  presence.ends[0]?.(false);
  assert.deepEqual([freed, rig.takeDiary()], [['kick', 'direct'], ['a hears refused: direct x unavailable']]);
  presence.outcome = 'unknown';
  room.direct(one, 'x', 'Hello', () => void freed.push('at once'));
  assert.equal(freed.length, 3);
});

test('the outcome of a direct message is passed to its sender', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const one = rig.enter('a', 'client-1');
  const to = presence.joined[0];
  assert.ok(to);
  const ends: boolean[] = [];
  const direct = (isFree: boolean): void => {
    one.isFree = isFree;
    room.commanded([{ type: 'direct', to, from: 'b', content: 'x', done: (isDone) => void ends.push(isDone) }]);
  };
  direct(true);
  direct(false);
  room.leave(one);
  direct(true);
  assert.deepEqual(ends, [true, false, false]);
});

test('a sender gets an error if the target is unknown, and if the room is unavailable', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const one = rig.enter('a', 'client-1');
  rig.takeDiary();
  presence.outcome = 'unknown';
  room.direct(one, 'x', 'Hello', ignored);
  presence.outcome = 'unavailable';
  room.kick(one, undefined, ignored);
  assert.deepEqual(rig.takeDiary(), [
    'a hears refused: direct x unknown',
    'a hears refused: kick undefined unavailable',
  ]);
});

test('a command that the endpoint does not allow is refused, logged and not passed on', () => {
  const rig = new RoomRig({
    allow: { kick: 'nobody', direct: ['client-7', 'admin-*'] },
  });
  const { room, presence } = rig;
  const one = rig.enter('a', 'client-1');
  const admin = rig.enter('b', 'admin-x');
  rig.takeDiary();
  room.kick(admin, 'client-1', ignored);
  room.direct(one, 'admin-x', 'Hello', ignored);
  room.direct(admin, 'client-1', 'Hello', ignored);
  assert.deepEqual(rig.takeDiary(), [
    'b hears refused: kick client-1 forbidden',
    'a hears refused: direct admin-x forbidden',
  ]);
  assert.deepEqual(presence.commands, ['admin-x to client-1: Hello']);
  assert.equal(rig.kept.warnings().filter((text) => text.includes('does not allow')).length, 2);
});

test('commands reach their client, and no other if it has left', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  rig.enter('a', 'client-1');
  const gone = rig.enter('b', 'client-2');
  const [to, target] = presence.joined as [Newcomer, Newcomer];
  room.leave(gone);
  rig.takeDiary();
  room.commanded([
    { type: 'direct', to, from: 'client-9', content: 'Hello' },
    { type: 'kick', target, by: 'client-9' },
    { type: 'kick', target: to, by: 'client-9' },
  ]);
  assert.deepEqual(rig.takeDiary(), [
    'a hears direct: {"type":"direct","from":"client-9","content":"Hello"}',
    'a hears kicked: {"type":"kicked","by":"client-9"}',
  ]);
});

test('lists are sent at once after a quiet second, otherwise once a second', () => {
  const rig = new RoomRig();
  const { room } = rig;
  const lists = () => rig.takeDiary().filter((line) => line.startsWith('all but') && line.includes('< [client'));
  rig.enter('a', 'client-1');
  assert.deepEqual(lists(), ['all but [a] < [client-1]']);
  rig.enter('b', 'client-2');
  rig.enter('c', 'client-3');
  assert.deepEqual(lists(), []);
  room.sweep();
  assert.deepEqual(lists(), ['all but [] < [client-1,client-2,client-3]']);
  room.sweep();
  assert.deepEqual(lists(), [], 'nothing has changed');
});

test('a list is encoded once for all members, and not at all for a leaving', () => {
  const made = { count: 0 };
  const rig = new RoomRig({ listed: () => (made.count += 1) });
  const { room, presence } = rig;
  rig.enter('a', 'client-1');
  assert.equal(made.count, 1, 'for the newcomer and for the others');
  rig.enter('b', 'client-2');
  assert.equal(made.count, 2);
  for (let n = 0; n < 10; n += 1) room.changed([{ type: 'left', member: member('elsewhere') }]);
  assert.equal(made.count, 2);
  presence.names = ['client-2'];
  room.changed([{ type: 'left', member: member('client-1') }]);
  room.sweep();
  assert.equal(made.count, 3);
  assert.equal(rig.takeDiary().at(-1), 'all but [] < [client-2]');
});

test('longer lists are sent less often, changes always at once', () => {
  const name = `client-${'7'.repeat(16_000)}`;
  // 16 KiB for 4,000 clients is four times what goes out in a second at most.
  const rig = new RoomRig({ size: 4_000 });
  const { room } = rig;
  rig.enter('a', name);
  rig.takeDiary();
  rig.enter('b', 'client-2');
  assert.ok(rig.takeDiary().includes('all but [b] < +client-2'));
  const seconds = Array.from({ length: 8 }, () => {
    room.sweep();
    return rig.takeDiary().length > 0;
  });
  assert.deepEqual(seconds, [false, false, false, true, false, false, false, false]);
});

test('a gateway that was declared dead closes all its clients and forgets them', () => {
  const rig = new RoomRig();
  const { room, presence } = rig;
  const one = rig.enter('a', 'client-1');
  const [to] = presence.joined;
  assert.ok(to);
  rig.takeDiary();
  room.fenced();
  room.commanded([{ type: 'direct', to, from: 'client-9', content: 'Hello' }]);
  room.leave(one);
  assert.deepEqual(rig.takeDiary(), ['all closed']);
  assert.deepEqual(presence.left, []);
  assert.match(rig.kept.errors().join(), /declared this one dead/);
});
