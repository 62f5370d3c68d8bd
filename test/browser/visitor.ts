import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { after, type TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { missingService } from '../services/missing.ts';

/** A person at one of the web clients, in a browser context of their own. */
export interface Visitor {
  readonly page: Page;
  /** What the browser had to complain of so far: errors of scripts, breaches of the page's policy, failed requests. */
  readonly complaints: readonly string[];
  /** Resolves when the page shows this state. */
  is(state: 'connected' | 'connecting' | 'disconnected' | 'kicked'): Promise<void>;
  /** Resolves when the log has an entry with this text. */
  reads(text: string | RegExp): Promise<void>;
  /** Everything in the log, in order, without the times. */
  log(): Promise<string[]>;
  /** Writes into the composer and presses Enter. */
  say(text: string): Promise<void>;
}

let launched: Promise<Browser> | undefined;
after(async () => (await launched?.catch(() => undefined))?.close());

/**
 * The system's Chromium: CHROMIUM_BIN, else the first one on the PATH. The tests of a file share it, as it takes a second to
 * start, but nothing in it: the contexts of a test are closed when the test ends.
 */
export async function requireChromium(t: TestContext): Promise<Browser | undefined> {
  try {
    launched ??= launch();
    const browser = await launched;
    t.after(() => Promise.all(browser.contexts().map((context) => context.close())));
    return browser;
  } catch (error) {
    return missingService(t, 'Chromium', error);
  }
}

async function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), timeout: 60_000 });
}

export async function visit(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visitor> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'Asia/Hong_Kong', ...options });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(url);
  return {
    page,
    complaints,
    is: (state) => page.locator(`#status[data-state="${state}"]`).waitFor(),
    reads: (text) => page.locator('#log .entry', { hasText: text }).first().waitFor(),
    log: () => page.locator('#log .entry .body').allTextContents(),
    say: async (text) => {
      await page.fill('#message', text);
      await page.press('#message', 'Enter');
    },
  };
}

/** Presses Tab until the element that `selector` names has the focus, as a person without a mouse does. */
export async function tabTo(page: Page, selector: string, key: 'Tab' | 'Shift+Tab' = 'Tab'): Promise<void> {
  const path: string[] = [];
  while (path.length < 40) {
    await page.keyboard.press(key);
    if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
    path.push(await page.evaluate('document.activeElement.id || document.activeElement.tagName'));
  }
  throw new Error(`${selector} cannot be reached with ${key}; focus went: ${path.join(', ')}`);
}

/** The id of what has the focus, or its tag. */
export function focusOf(page: Page): Promise<string> {
  return page.evaluate('document.activeElement.id || document.activeElement.tagName');
}

/** How often a text is to be seen. */
export async function timesShown(page: Page, text: string): Promise<number> {
  const seen: string = await page.evaluate('document.body.innerText');
  return seen.split(text).length - 1;
}

/** What makes a line of the log look as it does. */
export function lookOf(page: Page, text: string): Promise<string> {
  return page.evaluate(`(() => {
    const entries = [...document.querySelectorAll('#log .entry')];
    const entry = entries.findLast(({ textContent }) => textContent.includes(${JSON.stringify(text)}));
    const { boxShadow, color, fontStyle } = getComputedStyle(entry);
    const who = entry.querySelector('.who');
    return [boxShadow, color, fontStyle, who === null ? '' : getComputedStyle(who).color].join();
  })()`);
}

/** Lets the page's own clock run ahead, so that whatever it meant to do in that time happens now. */
export async function letPass(page: Page, seconds: number): Promise<void> {
  await page.clock.runFor(seconds * 1_000);
}

function findChromium(): string {
  const given = process.env.CHROMIUM_BIN;
  if (given !== undefined && given !== '') return given;
  const names = ['chromium', 'chromium-browser', 'google-chrome'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  const found = names.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => existsSync(path));
  if (found === undefined) throw new Error(`none of ${names.join(', ')} is on the PATH, and CHROMIUM_BIN is not set`);
  return found;
}
