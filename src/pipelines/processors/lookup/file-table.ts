import {
  type ComponentContext,
  type Expression,
  field,
  fileVersion,
  type Message,
  reasonOf,
  TidegateError,
  together,
  z,
} from '../../../sdk/index.ts';
import { type FileFormat, readTable } from './file-content.ts';
import { KeptValues, measure } from './kept-values.ts';
import type { Found, Table } from './table.ts';

export const fileSettings = z
  .strictObject({
    path: field.filePath().describe('Path of the file, relative to the directory in which Tidegate is started.'),
    format: z
      .enum(['csv', 'json'], 'expected csv or json')
      .optional()
      .describe('Left out: by the ending of the path, .csv or .json.'),
    key: field
      .plainText()
      .min(1, 'expected the name of a column or field')
      .optional()
      .describe(
        'The column of the key in CSV; the field of the key in a JSON list of objects. Left out: the file is a JSON object whose names are the keys.',
      ),
    delimiter: field
      .plainText()
      .refine((text) => /^[^"\r\n]$/.test(text), 'expected one character, and neither a quote nor a line break')
      .default(',')
      .describe('What is between the cells of a CSV file.'),
    reload: field
      .duration()
      .default(10_000)
      .describe('Interval at which it is looked whether the file has changed; 0s never looks.'),
    keys: field.integer({ min: 1 }).default(1_000_000).describe('Keys that the table may have.'),
    bytes: field
      .size()
      .default(64 * 1024 * 1024)
      .describe('Memory that it may take, about. While a new file is read, the old table is there as well.'),
  })
  .transform(({ format, ...settings }, context) => {
    const found = format ?? /\.(csv|json)$/i.exec(settings.path)?.[1]?.toLowerCase();
    const mistake = (message: string, path: string) => {
      context.issues.push({ code: 'custom', message, input: settings.path, path: [path] });
      return z.NEVER;
    };
    if (found === undefined) return mistake('say with format what it is: csv or json', 'path');
    if (found === 'csv' && settings.key === undefined)
      return mistake('a CSV file needs key, the name of the column with the key', 'path');
    return { ...settings, format: found as FileFormat['format'] };
  });

/** A table that is read from a file, and again whenever the file has changed. */
export class FileTable implements Table {
  private readonly settings: z.output<typeof fileSettings>;
  private readonly key: Expression;
  private readonly context: ComponentContext;
  private values: KeptValues;
  /** Of the file as it was looked at last, whether it could be read or not. */
  private version = '';
  private isClosed = false;
  private cancelCheck: () => void = () => {};
  private readonly stopMeasuring: () => void;

  constructor(settings: z.output<typeof fileSettings>, key: Expression, context: ComponentContext) {
    this.settings = settings;
    this.key = key;
    this.context = context;
    this.values = new KeptValues(settings);
    this.stopMeasuring = measure(context, () => this.values);
  }

  /** Rejects with TG_FLOW_FAILED where the file cannot be read, so that it is tried again. */
  async open(): Promise<void> {
    const { path } = this.settings;
    try {
      this.version = await fileVersion(path);
      this.values = await readTable(path, this.settings, this.settings);
    } catch (error) {
      throw new TidegateError('TG_FLOW_FAILED', `the table ${path} cannot be read: ${reasonOf(error)}`, error);
    }
    this.checkLater();
  }

  find(message: Message): Found | Promise<Found> {
    return together([this.key.evaluateText(message)], ([key]) =>
      key === undefined ? undefined : this.values.get(key as string),
    );
  }

  close(): void {
    this.isClosed = true;
    this.cancelCheck();
    this.stopMeasuring();
  }

  private checkLater(): void {
    const { reload } = this.settings;
    if (this.isClosed || reload === 0) return;
    this.cancelCheck = this.context.clock.after(reload, () => {
      void this.check().then(() => this.checkLater());
    });
  }

  /** Never rejects. */
  private async check(): Promise<void> {
    const { path } = this.settings;
    const version = await fileVersion(path).catch((error: unknown) => `none: ${reasonOf(error)}`);
    if (version === this.version) return;
    try {
      this.values = await readTable(path, this.settings, this.settings);
      this.version = version;
      this.count('ok');
      this.context.logger.info({ file: path, keys: this.values.keys }, `the table ${path} was read again`);
    } catch (error) {
      // A file that is being written is looked at again, and reported only once it stays as it is.
      if ((await fileVersion(path).catch(() => version)) !== version) return;
      this.version = version;
      this.count('failed');
      this.context.logger.warn(
        { file: path },
        `the table ${path} has changed and cannot be read, so the one before stays in use: ${reasonOf(error)}`,
      );
    }
  }

  private count(result: string): void {
    this.context.stats.counter('tidegate_lookup_reloads_total', { place: this.context.path, result }).value += 1;
  }
}
