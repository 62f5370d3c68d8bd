import { mkdtemp, open, rm, stat, symlink, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { TidegateError } from '../../../core/errors.ts';

const SOCKET = 'owner.sock';
const TAKEOVER = 'owner.takeover';
/** `sun_path` holds 108 bytes on Linux and 104 on macOS, its closing zero included. */
const MAX_SOCKET_PATH = 100;
const ANSWER_TIMEOUT = 2_000;
/** Taking over takes milliseconds: a mark this old was left by a process that died doing it. */
const TAKEOVER_AGE = 5_000;
const TAKEOVER_PAUSE = 50;

export interface OwnerLock {
  release(): Promise<void>;
}

/**
 * Makes this process the only owner of the directory, by listening on a unix socket in it: the kernel lets go of it
 * however the process ends, and a second process can ask who the first is. A socket without a listener is taken
 * over. Rejects with TG_DATA_DIR_OWNED, naming the owner.
 */
export async function acquireOwnerLock(directory: string): Promise<OwnerLock> {
  return withShortPath(directory, async (short) => {
    const address = path.join(short, SOCKET);
    const server = (await listen(address)) ?? (await takeOver(directory, address));
    return { release: () => release(server, path.join(directory, SOCKET)) };
  });
}

/** Undefined when there is something at the address already. */
function listen(address: string): Promise<Server | undefined> {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`${process.pid}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(address, () => {
      server.unref();
      resolve(server);
    });
  });
}

/**
 * Only who holds the takeover mark may remove a dead socket, and only after asking again: two processes that both
 * found it dead would otherwise remove each other's.
 */
async function takeOver(directory: string, address: string): Promise<Server> {
  const mark = path.join(directory, TAKEOVER);
  for (;;) {
    await refuseIfOwned(directory, address);
    if (await setMark(mark)) break;
    await new Promise((resolve) => setTimeout(resolve, TAKEOVER_PAUSE));
  }
  try {
    await refuseIfOwned(directory, address);
    await rm(path.join(directory, SOCKET), { force: true });
    const server = await listen(address);
    if (server !== undefined) return server;
  } finally {
    await rm(mark, { force: true });
  }
  // Another process that saw no socket at all was faster.
  return takeOver(directory, address);
}

async function setMark(mark: string): Promise<boolean> {
  try {
    await (await open(mark, 'wx')).close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const found = await stat(mark).catch(() => undefined);
  // One of the future was left before the machine's clock was set back.
  if (found !== undefined && Math.abs(Date.now() - found.mtimeMs) > TAKEOVER_AGE) await rm(mark, { force: true });
  return false;
}

async function refuseIfOwned(directory: string, address: string): Promise<void> {
  const owner = await askOwner(address);
  if (owner === undefined) return;
  throw new TidegateError(
    'TG_DATA_DIR_OWNED',
    `${directory} is in use by process ${owner}. Stop that one, or give this gateway a directory of its own ` +
      '(log.embedded.path, DATA_DIR). Gateways that are to share topics need Kafka: set KAFKA_BROKERS.',
  );
}

/** The process that listens; undefined when none does. */
function askOwner(address: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(address);
    let answer = '';
    socket.setEncoding('utf8');
    // One that is stopped accepts and says nothing: it is the owner all the same.
    socket.setTimeout(ANSWER_TIMEOUT, () => socket.destroy());
    socket.on('data', (text) => {
      answer += text;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      const isDead = error.code === 'ECONNREFUSED' || error.code === 'ENOENT';
      if (isDead) resolve(undefined);
    });
    socket.on('close', () => resolve(answer.trim() === '' ? '(it does not answer)' : answer.trim()));
  });
}

async function release(server: Server, socket: string): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()));
  await rm(socket, { force: true });
}

/** Runs with a path to the directory that leaves room for the socket's name: through a link where it is too long. */
async function withShortPath<T>(directory: string, action: (short: string) => Promise<T>): Promise<T> {
  if (Buffer.byteLength(path.join(directory, SOCKET)) <= MAX_SOCKET_PATH) return action(directory);
  const place = await mkdtemp(path.join(tmpdir(), 'tg-'));
  const link = path.join(place, 'd');
  try {
    await symlink(path.resolve(directory), link);
    return await action(link);
  } finally {
    await unlink(link).catch(() => undefined);
    await rm(place, { recursive: true, force: true });
  }
}
