import { envelope } from './envelope.ts';
import { json } from './json.ts';
import { raw } from './raw.ts';

/** The wire protocols that an endpoint may name. */
export const codecs = [envelope, json, raw];
