import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { builtinRegistry } from '../src/config/index.ts';
import { configJsonSchema } from '../src/config/reference/json-schema.ts';
import { componentsPage } from './reference/components.ts';
import { configPage } from './reference/config.ts';
import { connectorsPage } from './reference/connectors.ts';
import { errorsPage } from './reference/errors.ts';
import { machinesPage } from './reference/machines.ts';
import { metricsPage } from './reference/metrics.ts';
import { webPage } from './web-pages.ts';

/* Writes what is made from the code: the JSON Schema for editors, the reference pages, and what the web pages share. */

const registry = builtinRegistry();
const schema = configJsonSchema(registry);

const roomsPage = await webPage('rooms');

const files: Readonly<Record<string, string>> = {
  'config/gateway.schema.json': `${JSON.stringify(schema, null, 2)}\n`,
  'docs/reference/config.md': configPage(schema),
  'docs/reference/components.md': componentsPage(registry),
  'docs/reference/connectors.md': connectorsPage(),
  'docs/reference/errors.md': errorsPage(),
  'docs/reference/machines.md': machinesPage(),
  'docs/reference/metrics.md': metricsPage(),
  'src/web/channels.html': await webPage('channels'),
  'src/web/chat.html': await webPage('chat'),
  'src/web/rooms.html': roomsPage,
  // A chart can only read files of its own folder.
  'deploy/helm/tidegate/files/rooms.html': roomsPage,
  'deploy/helm/tidegate/files/alerts.yml': await readFile('observability/prometheus/alerts.yml', 'utf8'),
};

await mkdir('docs/reference', { recursive: true });
for (const [file, text] of Object.entries(files)) {
  await writeFile(file, text);
  console.log(file);
}
