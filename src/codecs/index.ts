import { centrifuge } from './centrifuge/index.ts';
import { chat } from './chat.ts';
import { envelope } from './envelope.ts';
import { json } from './json.ts';
import { raw } from './raw.ts';
import { rooms } from './rooms.ts';
import { topics } from './topics/index.ts';

/** The wire protocols that an endpoint may name. */
export const codecs = [centrifuge, chat, envelope, json, raw, rooms, topics];
