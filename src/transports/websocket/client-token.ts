import type { RemoteAuth } from '../../core/remote.ts';
import { checkedToken, tokenOfCommand, tokenOfFile } from '../read-token.ts';

/**
 * The token of the moment, without white space around it; undefined where `token` is empty, as a variable that is not set
 * leaves it. Rejects with an Error that says what to do and shows nothing
 * of the token or of what the command printed: that may be secret, too.
 */
export async function readToken(
  { token, token_file, token_command }: RemoteAuth,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (token === '') return undefined;
  if (token !== undefined) return checkedToken(token, 'auth.token');
  if (token_file !== undefined) return tokenOfFile(token_file, 'auth.token_file');
  return tokenOfCommand(token_command ?? '', 'auth.token_command', signal);
}
