import type { Action, Permissions } from '../core/permissions.ts';

/** Views that are kept: each may be megabytes long. */
const MAX_KEPT = 16;

/** The last view of each kind of clients: those to whom the same is allowed of what it depends on. */
export class KeptViews<View> {
  private readonly actions: readonly Action[];
  /** The one that was made last is behind all others. */
  private readonly kept = new Map<string, View>();

  /** `actions`: what a view depends on. */
  constructor(...actions: readonly Action[]) {
    this.actions = actions;
  }

  of(permissions: Permissions): View | undefined {
    return this.kept.get(permissions.alike(this.actions));
  }

  keep(permissions: Permissions, view: View): View {
    const kind = permissions.alike(this.actions);
    this.kept.delete(kind);
    this.kept.set(kind, view);
    const [oldest] = this.kept.keys();
    if (this.kept.size > MAX_KEPT && oldest !== undefined) this.kept.delete(oldest);
    return view;
  }
}
