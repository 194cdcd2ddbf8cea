// Data that are no images, as points: held-out rows, draws, and reconstructions, in the plane of the data's
// two leading principal components; points of the plane as they are.
import { binarizedRows, type Inference } from '../../src/index.ts';
import type { Report } from '../protocol.ts';
import { choosePlane, type Plane } from './plane.ts';
import type { Task } from './task.ts';

const DRAWN = 400;
/** Of those, the ones that are written out. */
const WRITTEN = 6;

export class CloudView {
  private readonly task: Task;
  private readonly count: number;
  private readonly tell: (report: Report) => void;
  private readonly plane: Plane;
  private readonly data: Float32Array;

  /** @param count held-out rows that are shown */
  constructor(task: Task, count: number, tell: (report: Report) => void) {
    this.task = task;
    this.count = count;
    this.tell = tell;
    const rows = binarizedRows(task.data.heldOut, 0, count, 'none', 0);
    this.plane = choosePlane(rows, rows.length / count, 'principal', undefined);
    this.data = this.plane.project(rows);
  }

  /** Rows [n, D] in the plane, [n, 2]. */
  place(rows: Float32Array): Float32Array {
    return this.plane.project(rows);
  }

  async show(lens: Inference): Promise<void> {
    const { task, count, data } = this;
    const drawn = await lens.sample(DRAWN, 'draw', task.settings.seed);
    const rebuilt = await lens.reconstruct(task.heldOut, count);
    this.tell({
      type: 'cloud',
      data,
      drawn: this.place(drawn),
      rebuilt: this.place(rebuilt),
      rows: task.table?.of(drawn, WRITTEN),
    });
  }
}
