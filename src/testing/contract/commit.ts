import { TidegateError } from '../../core/errors.ts';
import type { GroupMember } from '../../core/log.ts';

const PATIENCE = 30_000;
const POLL = 50;

/** Commits what is settled. A rebalance that refuses it is waited for, as the member itself does by its timer. */
export async function commit(member: GroupMember): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    try {
      return await member.commit();
    } catch (error) {
      if (!(error instanceof TidegateError && error.code === 'TG_LOG_UNAVAILABLE') || performance.now() > deadline)
        throw error;
      await new Promise((resolve) => setTimeout(resolve, POLL));
    }
  }
}
