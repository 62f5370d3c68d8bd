import { code } from '../../src/config/reference/setting-rows.ts';
import { ERRORS } from '../../src/core/errors.ts';
import { page, table } from './markdown.ts';

const NEXT = `What to do next:

- \`retry\`: the same again may work after a pause
- \`reject\`: this message will never work; others are fine
- \`wait\`: the log or a peer is away; everything is held and tried again
- \`stop\`: nothing goes on until an operator changes something`;

export function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(([name, { next, meaning }]) => [code(name), code(next), meaning]);
  return page(
    'Errors',
    'Codes are stable. They are in ERROR frames, logs and metrics.',
    NEXT,
    table(['code', 'next', 'meaning'], rows),
  );
}
