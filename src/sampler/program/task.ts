// What a backend is asked to compute: a part of a program, for some rows.

import type { Computer } from '../open.ts';
import type { Pace } from '../pace.ts';
import type { Noise } from './noise.ts';
import type { Part } from './read.ts';

export interface Task {
  readonly part: Part;
  readonly rows: number;
  /** What is fed, by name. */
  readonly feeds: Readonly<Record<string, Float32Array>>;
  readonly noise: Noise;
  readonly pace: Pace;
}

export interface ProgramBackend extends Computer {
  /** Rows that are best computed at once. */
  readonly rows: number;
  /** The part's result, [rows, ...]. */
  run(task: Task): Promise<Float32Array>;
}
