// A client for Tidegate's envelope protocol. It runs in browsers as it is, and in Node with the package `ws`.
const Socket = globalThis.WebSocket ?? (await import('ws')).WebSocket;

/** Close codes after which it makes no sense to come back: what was sent was wrong, and would be again. */
const FINAL_CODES = new Set([1003, 1007, 1009]);
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/**
 * Keeps a connection, comes back when it is lost, and sends again what was not answered. The id of a message stays
 * the same when it is sent again, so that a reader of the topic can tell a copy.
 */
export class Client {
  #url;
  #handlers;
  #socket;
  #attempts = 0;
  #isClosed = false;
  /** Nothing is sent before the welcome, so that a message cannot go out there and once more with the unanswered ones. */
  #isWelcome = false;
  /** Frames without an answer, by the id of their message, in the order they were sent. */
  #unanswered = new Map();

  /**
   * @param {string} url such as ws://localhost:9090/ws
   * @param {object} [handlers]
   * @param {(clientId: string) => void} [handlers.onWelcome] connected, for the first time or again
   * @param {(envelope: {messageType: string, content: string, timestamp: string}) => void} [handlers.onMessage]
   * @param {(code: number, pause: number | undefined) => void} [handlers.onLost] closed; tries again after `pause` ms
   */
  constructor(url, handlers = {}) {
    this.#url = url;
    this.#handlers = handlers;
    this.#connect();
  }

  /**
   * Resolves with `stored` when Kafka has the message, with `filtered` or `dead_letter` when it is done and not in the
   * topic; rejects when it never will be.
   */
  send(content) {
    const id = crypto.randomUUID();
    const frame = JSON.stringify({ messageType: 'USER', content, timestamp: new Date().toISOString(), id });
    return new Promise((resolve, reject) => {
      this.#unanswered.set(id, { frame, resolve, reject });
      this.#write(frame);
    });
  }

  close() {
    this.#isClosed = true;
    this.#socket.close(1000);
  }

  #connect() {
    this.#socket = new Socket(this.#url);
    this.#socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    this.#socket.onclose = ({ code }) => this.#lost(code);
    // A close always follows, and says more.
    this.#socket.onerror = () => {};
  }

  #receive(envelope) {
    switch (envelope.messageType) {
      case 'ACK':
        this.#answer(envelope.id)?.resolve(envelope.outcome ?? 'stored');
        break;
      case 'ERROR':
        this.#refused(envelope);
        break;
      default:
        if (envelope.clientId === undefined) this.#handlers.onMessage?.(envelope);
        else this.#welcomed(envelope.clientId);
    }
  }

  #welcomed(clientId) {
    this.#attempts = 0;
    this.#isWelcome = true;
    this.#handlers.onWelcome?.(clientId);
    for (const { frame } of this.#unanswered.values()) this.#write(frame);
  }

  #refused({ id, code, content, retryable }) {
    if (!retryable) {
      this.#answer(id)?.reject(new Error(`${code}: ${content}`));
      return;
    }
    // The message may be in the log or not: send it again, with the same id.
    setTimeout(() => {
      const waiting = this.#unanswered.get(id);
      if (waiting !== undefined) this.#write(waiting.frame);
    }, FIRST_PAUSE);
  }

  #answer(id) {
    const waiting = this.#unanswered.get(id);
    this.#unanswered.delete(id);
    return waiting;
  }

  #write(frame) {
    if (this.#isWelcome) this.#socket.send(frame);
  }

  #lost(code) {
    this.#isWelcome = false;
    if (this.#isClosed || FINAL_CODES.has(code)) {
      this.#handlers.onLost?.(code, undefined);
      for (const { reject } of this.#unanswered.values()) reject(new Error(`the connection was closed with ${code}`));
      this.#unanswered.clear();
      return;
    }
    // Doubling, and half of it random: many clients that were cut together should not come back together.
    const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#attempts);
    const pause = Math.round(most / 2 + (most / 2) * Math.random());
    this.#attempts += 1;
    this.#handlers.onLost?.(code, pause);
    setTimeout(() => this.#connect(), pause);
  }
}
