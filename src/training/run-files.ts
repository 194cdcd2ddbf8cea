// The files of a model folder, by name.
import { MODEL_FILE, WEIGHTS_FILE } from '../models/index.ts';

export const CHECKPOINT_FILE = 'checkpoint.safetensors';
export const METRICS_FILE = 'metrics.jsonl';
export const RECORD_FILE = 'training.json';
export const REPORT_FILE = 'report.html';
export const PICTURES = {
  samples: 'samples.png',
  reconstructions: 'reconstructions.png',
  latent: 'latent.png',
  density: 'density.png',
  clusters: 'clusters.png',
  grid: 'grid.png',
  cooler: 'samples-cooler.png',
  influence: 'influence.png',
} as const;

/** What a choice among sizes leaves. */
export const SELECTION = { numbers: 'selection.json', curve: 'selection.svg' } as const;

/** A density of the model's codes that was fitted afterwards. */
export const FITTED_PRIOR = { description: 'prior.json', weights: 'prior.safetensors' } as const;

/** Where a run is written that is to replace a model, until it does. */
export const NEXT_FOLDER = '.next';

/** Files that make a folder a model's. */
export const MODEL_FILES: readonly string[] = [
  MODEL_FILE,
  WEIGHTS_FILE,
  CHECKPOINT_FILE,
  RECORD_FILE,
];

/** Every file that a run may leave. */
export const RUN_FILES: readonly string[] = [
  ...MODEL_FILES,
  METRICS_FILE,
  REPORT_FILE,
  ...Object.values(PICTURES),
  ...Object.values(SELECTION),
  ...Object.values(FITTED_PRIOR),
];
