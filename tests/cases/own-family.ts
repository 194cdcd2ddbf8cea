/** A family of one's own, on every host: learns, goes on bit for bit, is evaluated, drawn from, asked. */
import {
  buildModel,
  digits,
  evaluateModel,
  openInference,
  optim,
  scoreRows,
  settleRun,
  type TrainerOptions,
  trainerOf,
} from '../../src/index.ts';
import { assignments, runConfig } from '../../src/training/index.ts';
import { LAPLACE } from '../families/laplace.ts';
import { concurrentCases } from '../rig/cases.ts';
import { sameBits, undisturbed, withTrainer } from '../support/trainers.ts';

const COUNT = 200;
const DATA = digits({ count: COUNT, seed: 4, size: 8 });
const ALL = Float32Array.from(DATA.data, (byte) => byte / 255);
const ROWS = (start: number, end: number) => ALL.subarray(64 * start, 64 * end);

const adam = () => optim.adam({ lr: 1e-2 });

function run() {
  const shape = [...DATA.shape];
  const values = settleRun(LAPLACE, [assignments(LAPLACE, ['latent=3', 'batch=50'])], { shape });
  const config = runConfig(LAPLACE, { shape }, values);
  const model = buildModel(config.model);
  const options: TrainerOptions = {
    ...(trainerOf(model, config.training, adam) as Omit<TrainerOptions, 'data'>),
    data: DATA,
    seed: 3,
  };
  return { model, options };
}

concurrentCases("a family of one's own", (c) => {
  c('learns, and goes on bit for bit', async (t) => {
    const whole = await undisturbed(t, 9, run().options);
    const half = await undisturbed(t, 5, run().options);
    const rest = await withTrainer(
      t,
      run().options,
      async (trainer) => {
        await trainer.run(4);
        return await trainer.state();
      },
      half,
    );
    sameBits(t, rest, whole, 'resumed');
  });

  c('is evaluated, scored, drawn from, and asked for codes', async (t) => {
    const { model, options } = run();
    await withTrainer(t, options, async (trainer) => {
      const { runtime } = trainer;
      const bound = async () => {
        const { negativeElbo } = await evaluateModel(runtime, model, DATA, ROWS);
        return negativeElbo as number;
      };
      const before = await bound();
      await trainer.run(60);
      const after = await bound();
      t.ok(after < before - 10, `the bound rises by nats: from ${-before} to ${-after}`);
      const { logProb } = await scoreRows(runtime, model, ROWS, COUNT, { samples: 20 });
      const mean = logProb.reduce((sum, value) => sum + value, 0) / COUNT;
      t.ok(mean > -after - 1, `log p(x) ${mean} is above the bound ${-after}`);
      const asked = openInference(runtime, model);
      const { mean: codes, logStd } = await asked.encode(ALL, COUNT);
      t.equal([codes.length, logStd?.length], [3 * COUNT, 3 * COUNT]);
      const images = await asked.sample(5);
      t.ok(images.length === 5 * 64 && images.every(Number.isFinite), 'images are drawn');
      await asked.destroy();
    });
  });
});
