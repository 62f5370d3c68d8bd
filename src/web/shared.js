export const $ = (id) => document.getElementById(id);

/** Text stays text, whatever it holds: it never becomes markup. */
export function element(name, className, ...content) {
  const made = document.createElement(name);
  made.className = className;
  made.append(...content);
  return made;
}

/** Where a user of the page types. */
export const field = document.querySelector('#composer input');

// The log: the newest lines, with the reader's own time.

export const MAX_LINES = 1_000;
export const PAGE_TITLE = document.title;
export const timeOfDay = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
export const dayAndTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
export const inFull = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

export const log = $('log');
export let follows = true;
export let lastTop = 0;
export let scrollIsDue = false;
export let unread = 0;

export function timeElement(at) {
  const isToday = at.toDateString() === new Date().toDateString();
  const time = element('time', '', (isToday ? timeOfDay : dayAndTime).format(at));
  time.dateTime = at.toISOString();
  time.title = inFull.format(at);
  return time;
}

export function addEntry(kind, at, ...content) {
  log.append(element('div', `entry ${kind}`, timeElement(at), element('div', 'body', ...content)));
  while (log.childElementCount > MAX_LINES) log.firstElementChild.remove();
  if (follows) scrollSoon();
}

export function addNote(text, at = new Date()) {
  addEntry('note', at, element('span', 'text', text));
}

// Once a frame, as measuring the log for each of many messages would be slow.
export function scrollSoon() {
  if (scrollIsDue) return;
  scrollIsDue = true;
  requestAnimationFrame(() => {
    scrollIsDue = false;
    if (follows) scrollToEnd();
  });
}

export function scrollToEnd() {
  log.scrollTop = log.scrollHeight;
  lastTop = log.scrollTop;
}

export function follow(value) {
  follows = value;
  log.classList.toggle('follows', value);
  $('latest').hidden = value;
}

// Lines that arrive between a scroll and its event make the end seem far: only a move upwards is a reader's wish.
log.addEventListener('scroll', () => {
  if (log.scrollHeight - log.scrollTop - log.clientHeight < 24) follow(true);
  else if (log.scrollTop < lastTop) follow(false);
  lastTop = log.scrollTop;
});
new ResizeObserver(() => follows && scrollToEnd()).observe(log);
$('latest').addEventListener('click', () => {
  follow(true);
  scrollToEnd();
  field.focus();
});

// Toasts: what a reader who looks elsewhere would miss.

export const MAX_TOASTS = 3;
export const TOAST_TIME = 7_000;
export const toasts = $('toasts');

export function toast(kind, title, text) {
  const close = element('button', '', '×');
  close.type = 'button';
  close.setAttribute('aria-label', 'Dismiss');
  const made = element(
    'div',
    `toast ${kind}`,
    element('p', '', element('strong', '', title), text.slice(0, 300)),
    close,
  );
  close.addEventListener('click', () => {
    const hadFocus = document.activeElement === close;
    made.remove();
    if (hadFocus) (toasts.querySelector('button') ?? field).focus();
  });
  toasts.append(made);
  // One that the reader is about to dismiss stays.
  const old = [...toasts.children].filter((other) => !other.matches(':hover, :focus-within'));
  for (const other of old.slice(0, Math.max(0, toasts.childElementCount - MAX_TOASTS))) other.remove();
  if (!document.hidden) fade(made);
}

export function fade(made) {
  setTimeout(() => (made.matches(':hover, :focus-within') ? fade(made) : made.remove()), TOAST_TIME);
}

export function toastIncoming(title, text, kind = 'message') {
  if (document.hidden) {
    unread += 1;
    document.title = `(${unread}) ${PAGE_TITLE}`;
  }
  toastAway(kind, title, text);
}

/** For text that is in the log, too: only a user that reads elsewhere would miss it. */
export function toastAway(kind, title, text) {
  if (document.hidden || !follows) toast(kind, title, text);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return;
  unread = 0;
  document.title = PAGE_TITLE;
  for (const made of toasts.children) fade(made);
});

// The link: one WebSocket at a time, which comes back by itself.

export const HANDSHAKE_TIME = 10_000;
export const GREETING_TIME = 1_000;
export const STABLE_TIME = 5_000;
export const FIRST_PAUSE = 1_000;
export const LONGEST_PAUSE = 15_000;

/** Closes that come again as long as the address says nothing else, such as another token. */
export const TURNED_AWAY = { 4401: 'this server wants a valid token', 4403: 'this server does not let you in' };

/**
 * `changed(state, text, when)` hears connecting, connected, reconnecting, disconnected and kicked; `verdict(code)` names the
 * state in which a close is final, or nothing where the link is to come back; `received(text)` hears every frame. `addressed`
 * may add to the address of each attempt, and `opened(send)` say something before the server does.
 */
export function createLink({ changed, verdict, received, addressed = (to) => to, opened = () => {} }) {
  let address = '';
  let socket;
  let timer;
  let attempt = 0;
  let isIn = false;

  function open() {
    clearTimeout(timer);
    const mine = new WebSocket(addressed(address));
    mine.binaryType = 'arraybuffer';
    socket = mine;
    isIn = false;
    let openedAt;
    changed(attempt === 0 ? 'connecting' : 'reconnecting', '');
    // A client that is turned away at once was never in: the first frame says that it is. A server that says nothing counts, too.
    const enter = () => {
      clearTimeout(timer);
      if (isIn || socket !== mine) return;
      isIn = true;
      changed('connected', '');
    };
    timer = setTimeout(() => mine.close(), HANDSHAKE_TIME);
    mine.onopen = () => {
      if (socket !== mine) return;
      openedAt = performance.now();
      clearTimeout(timer);
      timer = setTimeout(enter, GREETING_TIME);
      opened((text) => mine.send(text));
    };
    mine.onmessage = ({ data }) => {
      if (socket !== mine) return;
      if (mine.readyState === WebSocket.OPEN) enter();
      received(typeof data === 'string' ? data : `(${data.byteLength} bytes that are not text)`);
    };
    mine.onclose = (event) => {
      if (socket === mine) closed(event, openedAt);
    };
  }

  function closed({ code, reason }, openedAt) {
    clearTimeout(timer);
    socket = undefined;
    const text = reason || (openedAt === undefined ? 'no answer' : 'the connection was lost');
    const end = openedAt === undefined ? undefined : verdict(code);
    if (end !== undefined) return changed(end, text);
    if (TURNED_AWAY[code] !== undefined) return changed('disconnected', `${TURNED_AWAY[code]} (${text})`);
    if (openedAt !== undefined && performance.now() - openedAt > STABLE_TIME) attempt = 0;
    const most = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** attempt);
    attempt += 1;
    wait(performance.now() + most * (0.5 + Math.random() / 2), text);
  }

  function wait(until, text) {
    const rest = until - performance.now();
    if (rest <= 0) return open();
    changed('reconnecting', text, `in ${Math.ceil(rest / 1_000)} s`);
    timer = setTimeout(wait, rest % 1_000 || 1_000, until, text);
  }

  function drop() {
    clearTimeout(timer);
    const old = socket;
    socket = undefined;
    old?.close(1000);
  }

  return {
    /** Throws what the browser says of an address that cannot be one. */
    connect(to) {
      drop();
      address = to;
      attempt = 0;
      open();
    },
    disconnect() {
      drop();
      changed('disconnected', '');
    },
    /** False if the client is not connected. */
    send(text) {
      if (socket?.readyState !== WebSocket.OPEN || !isIn) return false;
      socket.send(text);
      return true;
    },
  };
}

// The state of the link, as the page shows it.

export const STATES = {
  connecting: 'Connecting',
  connected: 'Connected',
  reconnecting: 'Reconnecting',
  disconnected: 'Disconnected',
  kicked: 'Kicked out',
};
export let shownState = 'disconnected';

export function showState(state, text, when) {
  const before = shownState;
  shownState = state;
  const status = $('status');
  status.dataset.state = state === 'reconnecting' ? 'connecting' : state;
  if (status.textContent !== STATES[state]) status.textContent = STATES[state];
  const isOver = state === 'disconnected' || state === 'kicked';
  $('detail').textContent = when === undefined ? text : `${when} (${text})`;
  $('detail').classList.toggle('bad', isOver);
  $('send')?.setAttribute('aria-disabled', String(state !== 'connected'));
  showButtons(state, isOver);
  return before;
}

// A button that goes hands its focus to the one that comes.
export function showButtons(state, isOver) {
  const connect = $('connect');
  const disconnect = $('disconnect');
  const focused = document.activeElement;
  connect.hidden = state === 'connecting' || state === 'connected';
  disconnect.hidden = isOver;
  disconnect.textContent = state === 'connected' ? 'Disconnect' : 'Cancel';
  if (focused === connect && connect.hidden) disconnect.focus();
  if (focused === disconnect && disconnect.hidden) connect.focus();
}

/** The directory of this page as a WebSocket address, or `otherwise` for a page opened from disk. */
export function defaultAddress(otherwise) {
  if (!location.protocol.startsWith('http')) return otherwise;
  const url = new URL('.', location.href);
  return `${url.protocol === 'https:' ? 'wss:' : 'ws:'}//${url.host}${url.pathname}`;
}

export function showProblem(text) {
  $('problem').textContent = text;
  $('problem').hidden = text === '';
  $('server').setAttribute('aria-invalid', String(text !== ''));
  if (text !== '') $('server').focus();
}

/** Connects the link to an address that a person has typed, or says why it cannot be one. */
export function connectTo(link, address) {
  showProblem('');
  if (!/^wss?:\/\//i.test(address)) return showProblem('The address begins with ws:// or wss://');
  try {
    link.connect(address);
  } catch {
    link.disconnect();
    showProblem('This is not an address that a browser can connect to.');
  }
}
