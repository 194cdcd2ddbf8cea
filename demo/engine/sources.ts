// Where data come from: those that are built in, each made once, and the visitor's.
import type { OwnFile, Settings } from '../protocol.ts';
import { builtIn, type DataSplit } from './data.ts';

/** The visitor's own data, and the files they are from. */
export interface Own {
  readonly data: DataSplit;
  readonly files: readonly OwnFile[];
}

export class Sources {
  private readonly made = new Map<string, DataSplit>();

  /** What the settings name. */
  of({ data }: Settings, own: Own | undefined): DataSplit {
    if (data === 'own' && own) return own.data;
    const found = this.made.get(data) ?? builtIn(data);
    this.made.set(data, found);
    return found;
  }
}
