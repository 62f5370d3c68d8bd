import { readText } from '../../../config/yaml/config-text.ts';
import type { FlatConfig } from '../definition.ts';
import { type Property, readProperties } from '../properties.ts';
import { SettingsFile } from './settings-file.ts';

/** A connector as its file has it. */
export interface ConnectorFile {
  readonly file: SettingsFile;
  /** As it was given; RUNNING where it was not. */
  readonly state: string;
}

/** Rejects with TG_CONFIG_UNREADABLE. What cannot be understood is a problem of the file. */
export async function readPropertyFile(name: string): Promise<SettingsFile> {
  return propertiesOf(name, await readText(name));
}

/**
 * Properties, or as Connect takes them too: the settings as a JSON object, or the body of a POST to /connectors, with
 * "name", "config" and "initial_state". Rejects with TG_CONFIG_UNREADABLE.
 */
export async function readConnectorFile(name: string): Promise<ConnectorFile> {
  const text = await readText(name);
  return text.trimStart().startsWith('{')
    ? requestOf(name, text)
    : { file: propertiesOf(name, text), state: 'RUNNING' };
}

function propertiesOf(name: string, text: string): SettingsFile {
  let properties: Property[];
  try {
    properties = readProperties(text);
  } catch (error) {
    const file = new SettingsFile(name, {});
    file.fail('', (error as Error).message);
    return file;
  }
  return new SettingsFile(
    name,
    Object.fromEntries(properties.map(({ key, value }) => [key, value])),
    new Map(properties.map(({ key, line }) => [key, line])),
  );
}

function requestOf(name: string, text: string): ConnectorFile {
  const unread = new SettingsFile(name, {});
  let value: Record<string, unknown>;
  try {
    value = JSON.parse(text) as Record<string, unknown>; // it begins with {
  } catch {
    unread.fail('', 'this is not JSON, though it begins with {');
    return { file: unread, state: 'RUNNING' };
  }
  const { config } = value;
  const isRequest = typeof config === 'object' && config !== null && !Array.isArray(config);
  const settings = isRequest ? { ...('name' in value ? { name: value.name } : {}), ...config } : value;
  const wrong = Object.entries(settings).filter(([, each]) => typeof each === 'object' && each !== null);
  const flat = Object.entries(settings).map(([key, each]): [string, string | null] => [
    key,
    each === null || typeof each === 'object' ? null : String(each),
  ]);
  const file = new SettingsFile(name, Object.fromEntries(flat) as FlatConfig);
  for (const [key] of wrong) file.fail(key, 'expected text, a number, true, false or null');
  if (isRequest && typeof value.name === 'string' && value.name !== file.settings.name)
    file.fail('config.name', 'is another name than the "name" beside "config"');
  const state = isRequest ? String(value.initial_state ?? 'RUNNING') : 'RUNNING';
  return { file, state };
}
