import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Guest, Room, type RoomHome, type RoomOptions } from '../../../src/actors/audience/room.ts';
import type { Newcomer, PresenceObserver, PresencePort } from '../../../src/actors/presence/port.ts';
import type { ConnectionInfo, Farewell, Identity, Member, MemberEvent } from '../../../src/core/component.ts';
import { HandClock } from '../core/hand-clock.ts';
import { keptLogger } from './rig.ts';

const NO_DETAILS = {};
const member = (name: string): Member => ({ name, details: NO_DETAILS });

/** A client that writes down what happens to it, in the room's diary. */
class FakeGuest implements Guest {
  info: ConnectionInfo;
  private readonly diary: string[];
  readonly id: string;

  constructor(id: string, diary: string[], asks: Readonly<Record<string, string>> = {}) {
    this.id = id;
    this.diary = diary;
    this.info = { clientId: id, endpoint: 'room', params: asks, query: {} };
  }

  admit(name: string): void {
    this.info = { ...this.info, clientId: name };
    this.diary.push(`${this.id} is ${name}`);
  }

  hear(event: MemberEvent): void {
    const words = event.type === 'refused' ? `${event.action} ${event.target} ${event.reason}` : JSON.stringify(event);
    this.diary.push(`${this.id} hears ${event.type}: ${words}`);
  }

  inform(frame: Buffer): void {
    this.diary.push(`${this.id} < ${frame}`);
  }

  dismiss({ code, reason }: Farewell): void {
    this.diary.push(`${this.id} closed ${code} ${reason}`);
  }
}

/** The presence as the room sees it: remembers who asked, and answers as the test says. */
class FakePresence implements PresencePort {
  names: readonly string[] = [];
  trouble = undefined;
  readonly joined: Newcomer[] = [];
  readonly left: Newcomer[] = [];
  readonly orders: string[] = [];
  outcome: 'sent' | 'unknown' | 'unavailable' = 'sent';

  start(): void {}

  join(newcomer: Newcomer): void {
    this.joined.push(newcomer);
  }

  leave(newcomer: Newcomer): void {
    this.left.push(newcomer);
  }

  direct(from: string, to: string, content: string): 'sent' | 'unknown' | 'unavailable' {
    this.orders.push(`${from} to ${to}: ${content}`);
    return this.outcome;
  }

  kick(by: string, target: string | undefined): 'sent' | 'unknown' | 'unavailable' {
    this.orders.push(`${by} kicks ${target ?? 'everyone'}`);
    return this.outcome;
  }

  async resign(): Promise<void> {}
  async close(): Promise<void> {}
}

interface Setting {
  readonly allow?: Partial<RoomOptions['allow']>;
  readonly hasList?: boolean;
  readonly identify?: (info: ConnectionInfo) => Identity;
  readonly size?: number;
}

function setUp({ allow = {}, hasList = true, identify = numbered, size = 10 }: Setting = {}) {
  const diary: string[] = [];
  const kept = keptLogger();
  const presence = new FakePresence();
  let observer: PresenceObserver | undefined;
  const home: RoomHome<FakeGuest> = {
    encode: ({ data }) => Buffer.from(data),
    sendWaiting: () => void diary.push('what waits is sent'),
    tellOthers: (frames, except) => {
      if (frames.length > 0) diary.push(`all but [${[...except].map(({ id }) => id)}] < ${frames.join(' ')}`);
    },
    replay: ({ id }) => void diary.push(`${id} gets the past`),
    closeAllForRestart: () => void diary.push('all closed'),
    size,
  };
  const room = new Room<FakeGuest>(
    {
      membership: {
        identify,
        event: () => [],
        announce: ({ type, member: { name } }) => ({ data: `${type === 'joined' ? '+' : '-'}${name}`, binary: false }),
        list: (names) => (hasList ? { data: `[${names}]`, binary: false } : null),
      },
      allow: { direct: 'everyone', kick: 'everyone', ...allow },
      presence: (given) => {
        observer = given;
        return presence;
      },
      clock: new HandClock(),
      logger: kept.logger,
    },
    home,
  );
  assert.equal(observer, room);
  const guest = (id: string, asks?: Readonly<Record<string, string>>) => new FakeGuest(id, diary, asks);
  /** A client that is in the room under that name. */
  const enter = (id: string, name: string): FakeGuest => {
    const one = guest(id);
    room.enter(one);
    const newcomer = presence.joined.at(-1);
    assert.ok(newcomer);
    presence.names = [...presence.names, name];
    room.changed([{ type: 'joined', member: member(name), newcomer }]);
    return one;
  };
  const diaryOf = () => diary.splice(0);
  return { room, presence, guest, enter, diaryOf, ...kept };
}

function numbered(): Identity {
  return { type: 'numbered', prefix: 'client-' };
}

function named({ params }: ConnectionInfo): Identity {
  return { type: 'named', name: params.name ?? '', details: NO_DETAILS, taken: { code: 1003, reason: 'taken' } };
}

test('who cannot be let in as it asks is closed, and the others hear nothing of it', () => {
  const farewell = { code: 1008, reason: 'no such name' };
  const { room, presence, guest, diaryOf } = setUp({ identify: () => ({ type: 'refused', farewell }) });
  const one = guest('a');
  room.enter(one);
  room.leave(one);
  assert.deepEqual(diaryOf(), ['a closed 1008 no such name']);
  assert.deepEqual([presence.joined, presence.left], [[], []]);
});

test('a codec that throws over a name costs that client alone', () => {
  const { room, presence, guest, diaryOf, errors } = setUp({
    identify: () => {
      throw new Error('codec bug');
    },
  });
  room.enter(guest('a'));
  assert.deepEqual(diaryOf(), ['a closed 1011 internal error']);
  assert.deepEqual(presence.joined, []);
  assert.match(errors().join(), /identify/);
});

test('a newcomer gets its name, the whole list and the past, in this order, and all others hear of it', () => {
  const { enter, diaryOf } = setUp();
  enter('a', 'client-1');
  diaryOf();
  enter('b', 'client-2');
  assert.deepEqual(diaryOf(), [
    // What was on its way before is not for the newcomer: it stands in the past that it gets.
    'what waits is sent',
    'b is client-2',
    'b < [client-1,client-2]',
    'b gets the past',
    'all but [b] < +client-2',
  ]);
});

test('without lists a newcomer hears of those alone who came or left after it', () => {
  const { room, presence, guest, diaryOf } = setUp({ hasList: false });
  const [one, two] = [guest('a'), guest('b')];
  room.enter(one);
  room.enter(two);
  const [first, second] = presence.joined as [Newcomer, Newcomer];
  room.changed([
    { type: 'joined', member: member('before') },
    { type: 'joined', member: member('ann'), newcomer: first },
    { type: 'left', member: member('before') },
    { type: 'joined', member: member('bob'), newcomer: second },
  ]);
  assert.deepEqual(diaryOf(), [
    'what waits is sent',
    'a is ann',
    'b is bob',
    'a < -before',
    'a < +bob',
    'a gets the past',
    'b gets the past',
    'all but [a,b] < +before +ann -before +bob',
  ]);
});

test('who comes second to a name is turned away with the words of its protocol, and causes no line', () => {
  const { room, presence, guest, diaryOf } = setUp({ identify: named });
  const one = guest('a', { name: 'ann' });
  room.enter(one);
  const [newcomer] = presence.joined;
  assert.ok(newcomer);
  diaryOf();
  room.changed([{ type: 'taken', newcomer }]);
  const diary = diaryOf();
  assert.ok(diary.includes('a closed 1003 taken'));
  assert.deepEqual(
    diary.filter((line) => line.includes('ann')),
    [],
  );
  room.leave(one);
  assert.deepEqual(presence.left, [], 'it never was in');
});

test('who leaves has left once, whether it was in or not', () => {
  const { room, presence, guest, enter } = setUp();
  const waiting = guest('a');
  room.enter(waiting);
  const inside = enter('b', 'client-2');
  for (const one of [waiting, inside, waiting, inside]) room.leave(one);
  assert.deepEqual(presence.left, presence.joined);
});

test('one that left before it was let in is not let in', () => {
  const { room, presence, guest, diaryOf } = setUp();
  const one = guest('a');
  room.enter(one);
  const [newcomer] = presence.joined;
  assert.ok(newcomer);
  room.leave(one);
  room.changed([{ type: 'joined', member: member('client-1'), newcomer }]);
  assert.ok(!diaryOf().some((line) => line.startsWith('a ')));
});

test('direct messages and kicks go to the presence under the name of the sender', () => {
  const { room, presence, enter, infos } = setUp();
  const one = enter('a', 'client-1');
  room.direct(one, 'client-2', 'Hello');
  room.kick(one, 'client-2');
  room.kick(one, undefined);
  assert.deepEqual(presence.orders, [
    'client-1 to client-2: Hello',
    'client-1 kicks client-2',
    'client-1 kicks everyone',
  ]);
  assert.equal(infos().filter((text) => text === 'a client sends another one away').length, 2);
});

test('a sender hears when nobody is there, and when the log is away', () => {
  const { room, presence, enter, diaryOf } = setUp();
  const one = enter('a', 'client-1');
  diaryOf();
  presence.outcome = 'unknown';
  room.direct(one, 'x', 'Hello');
  presence.outcome = 'unavailable';
  room.kick(one, undefined);
  assert.deepEqual(diaryOf(), ['a hears refused: direct x unknown', 'a hears refused: kick undefined unavailable']);
});

test('what the endpoint does not allow is refused, logged and not done', () => {
  const { room, presence, enter, diaryOf, warnings } = setUp({
    allow: { kick: 'nobody', direct: ['client-7', 'admin-*'] },
  });
  const one = enter('a', 'client-1');
  const admin = enter('b', 'admin-x');
  diaryOf();
  room.kick(admin, 'client-1');
  room.direct(one, 'admin-x', 'Hello');
  room.direct(admin, 'client-1', 'Hello');
  assert.deepEqual(diaryOf(), [
    'b hears refused: kick client-1 forbidden',
    'a hears refused: direct admin-x forbidden',
  ]);
  assert.deepEqual(presence.orders, ['admin-x to client-1: Hello']);
  assert.equal(warnings().filter((text) => text.includes('does not allow')).length, 2);
});

test('orders reach the client that they are for, and nobody where it has gone', () => {
  const { room, presence, enter, diaryOf } = setUp();
  enter('a', 'client-1');
  const gone = enter('b', 'client-2');
  const [to, target] = presence.joined as [Newcomer, Newcomer];
  room.leave(gone);
  diaryOf();
  room.ordered([
    { type: 'direct', to, from: 'client-9', content: 'Hello' },
    { type: 'kick', target, by: 'client-9' },
    { type: 'kick', target: to, by: 'client-9' },
  ]);
  assert.deepEqual(diaryOf(), [
    'a hears direct: {"type":"direct","from":"client-9","content":"Hello"}',
    'a hears kicked: {"type":"kicked","by":"client-9"}',
  ]);
});

test('whole lists go to everyone at once after a quiet second, and else once a second', () => {
  const { room, enter, diaryOf } = setUp();
  const lists = () => diaryOf().filter((line) => line.startsWith('all but') && line.includes('< [client'));
  enter('a', 'client-1');
  assert.deepEqual(lists(), ['all but [a] < [client-1]']);
  enter('b', 'client-2');
  enter('c', 'client-3');
  assert.deepEqual(lists(), []);
  room.sweep();
  assert.deepEqual(lists(), ['all but [] < [client-1,client-2,client-3]']);
  room.sweep();
  assert.deepEqual(lists(), [], 'nothing has changed');
});

test('the dearer whole lists are, the rarer they go out; changes are told at once all the same', () => {
  const name = `client-${'7'.repeat(16_000)}`;
  // 16 KiB for 4,000 clients is four times what goes out in a second at most.
  const { room, enter, diaryOf } = setUp({ size: 4_000 });
  enter('a', name);
  diaryOf();
  enter('b', 'client-2');
  assert.ok(diaryOf().includes('all but [b] < +client-2'));
  const seconds = Array.from({ length: 8 }, () => {
    room.sweep();
    return diaryOf().length > 0;
  });
  assert.deepEqual(seconds, [false, false, false, true, false, false, false, false]);
});

test('a gateway that was declared dead closes all its clients and forgets them', () => {
  const { room, presence, enter, diaryOf, errors } = setUp();
  const one = enter('a', 'client-1');
  const [to] = presence.joined;
  assert.ok(to);
  diaryOf();
  room.fenced();
  room.ordered([{ type: 'direct', to, from: 'client-9', content: 'Hello' }]);
  room.leave(one);
  assert.deepEqual(diaryOf(), ['all closed']);
  assert.deepEqual(presence.left, []);
  assert.match(errors().join(), /declared this one dead/);
});
