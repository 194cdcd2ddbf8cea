// What a model makes of a drawing.
import type { Inference, Model } from '../../src/index.ts';

export interface Drawing {
  /** Numbers in [0, 1]. */
  readonly image: Float32Array;
  /** What it is to be, for a model that is told. */
  readonly label: number;
}

/** The drawing's code, what that decodes to, and what it decodes to as every class of a conditional model. */
export async function readDrawing(lens: Inference, { can }: Model, { image, label }: Drawing) {
  const classes = can.condition?.classes;
  const row = Object.assign(() => image, classes && { labels: [label] });
  const { mean } = await lens.encode(row, 1);
  const again = await lens.decode(mean, 1, 'mean', 0, classes ? { labels: [label] } : {});
  if (!classes) return { mean, again, others: undefined };
  const codes = Float32Array.from(
    { length: mean.length * classes.length },
    (_, i) => mean[i % mean.length] as number,
  );
  const labels = classes.map((_, c) => c);
  const others = await lens.decode(codes, labels.length, 'mean', 0, { labels });
  return { mean, again, others };
}
