// When the model is looked at anew, and what is shown next.
import type { Views } from './views.ts';

/** The views are renewed no more often than this, and for at most a quarter of the time. */
const LOOK_MS = 500;

export class Looks {
  /** Whether the model is not what the views show. */
  isStale = false;
  private pending: (() => Promise<void>)[] = [];
  private nextAt = 0;
  private spentMs = 0;
  /** Whether kernels are still to be compiled, which takes longer than looking. */
  private isFirst = true;

  begin(views: Views | undefined): void {
    this.isStale = false;
    this.spentMs = 0;
    this.pending = views?.all() ?? [];
  }

  /** For another model, or none. */
  clear(): void {
    this.isFirst = true;
    this.isStale = false;
    this.pending = [];
  }

  /** Renews one view, if that is due; between them the session may do something else. */
  async renewOne(views: Views | undefined): Promise<boolean> {
    const began = performance.now();
    if (this.isStale && this.pending.length === 0 && began >= this.nextAt) this.begin(views);
    const view = this.pending.shift();
    if (!view) return false;
    await view();
    const now = performance.now();
    this.spentMs += now - began;
    if (this.pending.length > 0) return true;
    this.nextAt = now + Math.max(LOOK_MS, this.isFirst ? 0 : 3 * this.spentMs);
    this.isFirst = false;
    return true;
  }

  /** Milliseconds until something is due; undefined if nothing is. */
  get dueIn(): number | undefined {
    return this.isStale ? this.nextAt - performance.now() : undefined;
  }
}
