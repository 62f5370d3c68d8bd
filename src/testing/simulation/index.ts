export type { InputMessage } from './messages.ts';
