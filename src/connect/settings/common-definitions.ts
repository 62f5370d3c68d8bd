import { quoteValue } from '../../core/quote.ts';
import { topic } from './conversions.ts';
import { converterNames } from './converters.ts';
import type { Definition } from './definition.ts';
import { inOrder } from './in-order.ts';
import { aliasDefinitions } from './transform-definitions.ts';

export const COMMON = 'Common';
const ERRORS = 'Error Handling';

/** Characters of the percent-encoded name: HTTP servers and proxies take some 8 KiB for a request line, and Node 16 KiB for all headers. */
const MAX_NAME_LENGTH = 4_096;

/** org.apache.kafka.common.config.ConfigDef.NonEmptyStringWithoutControlChars */
function flawOfName(name: string): string | undefined {
  if (name === '') return 'String may not be empty';
  const codes = [...name].flatMap((char) => (/\p{Cc}/u.test(char) ? [char.codePointAt(0)] : []));
  if (codes.length === 0)
    // Half of a surrogate pair has no UTF-8, so the record and the URL of the connector would have another name.
    return /\p{Cs}/u.test(name) ? 'String may not contain half of a surrogate pair' : tooLong(name);
  return `String may not contain control sequences but had the following ASCII chars: ${quoteValue(codes.join(', '))}`;
}

/** A connector that no URL can name could not be asked about, stopped or deleted. */
function tooLong(name: string): string | undefined {
  const { length } = encodeURIComponent(name);
  return length <= MAX_NAME_LENGTH
    ? undefined
    : `String may have at most ${MAX_NAME_LENGTH} characters when it is percent-encoded for a URL, not ${length}`;
}

/** Settings that every connector has, in Connect's names and order; those that mean nothing here are left out. */
export const commonDefinitions: readonly Definition[] = [
  ...inOrder(COMMON, [
    {
      name: 'name',
      type: 'STRING',
      default: undefined,
      flaw: flawOfName,
      importance: 'HIGH',
      documentation: 'Name of the connector; no other connector of the cluster has it.',
      width: 'MEDIUM',
      displayName: 'Connector name',
    },
    {
      name: 'connector.class',
      type: 'STRING',
      default: undefined,
      importance: 'HIGH',
      documentation: 'Class of the connector, in full or by its short name.',
      width: 'LONG',
      displayName: 'Connector class',
    },
    {
      name: 'tasks.max',
      type: 'INT',
      default: '1',
      min: 1,
      max: 1_000,
      importance: 'HIGH',
      documentation: 'Most tasks that the connector is split into.',
      width: 'SHORT',
      displayName: 'Tasks max',
    },
    {
      name: 'key.converter',
      type: 'CLASS',
      default: 'org.apache.kafka.connect.storage.StringConverter',
      recommended: converterNames,
      importance: 'LOW',
      documentation: 'How keys are written: they are text whichever is chosen.',
      width: 'SHORT',
      displayName: 'Key converter class',
    },
    {
      name: 'value.converter',
      type: 'CLASS',
      default: 'org.apache.kafka.connect.storage.StringConverter',
      recommended: converterNames,
      importance: 'LOW',
      documentation:
        'How values are written. string and bytes: as they come. json: as they come, and what is not JSON is an error. JsonConverter: as a JSON string, with its schema unless value.converter.schemas.enable is false.',
      width: 'SHORT',
      displayName: 'Value converter class',
    },
    {
      name: 'value.converter.schemas.enable',
      type: 'BOOLEAN',
      default: 'true',
      importance: 'LOW',
      documentation: 'Whether JsonConverter writes the schema with each value. The other converters have none.',
      width: 'SHORT',
      displayName: 'Value schemas',
    },
  ]),
  ...aliasDefinitions,
  ...inOrder(ERRORS, [
    {
      name: 'errors.tolerance',
      type: 'STRING',
      default: 'none',
      oneOf: ['none', 'all'],
      importance: 'MEDIUM',
      documentation: 'none: a message that cannot be processed fails its task. all: it is skipped.',
      width: 'SHORT',
      displayName: 'Error Tolerance',
    },
    {
      name: 'errors.log.enable',
      type: 'BOOLEAN',
      default: 'false',
      importance: 'MEDIUM',
      documentation: 'Whether each message that is skipped gets a line in the log.',
      width: 'SHORT',
      displayName: 'Log Errors',
    },
    {
      name: 'errors.log.include.messages',
      type: 'BOOLEAN',
      default: 'false',
      importance: 'MEDIUM',
      documentation: 'Whether that line has the message in it.',
      width: 'SHORT',
      displayName: 'Log Error Details',
    },
    {
      name: 'errors.deadletterqueue.topic.name',
      type: 'STRING',
      default: '',
      importance: 'MEDIUM',
      documentation: 'Topic for messages that are skipped, also those of sources. Empty: there is none.',
      width: 'MEDIUM',
      displayName: 'Dead Letter Queue Topic Name',
      path: 'on_error.dead_letter',
      convert: topic,
    },
  ]),
];
