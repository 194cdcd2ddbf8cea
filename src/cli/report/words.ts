// What a report says of a model by its configuration.
import {
  Autoencoder,
  type Family,
  type FlowConfig,
  type LatentConfig,
  layersOf,
} from '../../models/index.ts';
import type { Fact } from '../../report/content.ts';
import { isFlow, type LoadedModel } from '../../training/model-folder.node.ts';
import { DEQUANTIZED, layerCounts, layerRows } from '../common/layer-text.ts';
import { thousands } from '../common/text.ts';

export const FAMILY: Readonly<Record<Family, string>> = {
  vae: 'VAE',
  iwae: 'IWAE',
  ae: 'Autoencoder',
  realnvp: 'RealNVP',
  maf: 'MAF',
  iaf: 'IAF',
  'linear-lu': 'Linear flow (LU)',
  'linear-qr': 'Linear flow (QR)',
  emerging: 'Emerging flow',
  glow: 'Glow',
  flow: 'Flow',
};

interface Words {
  /** One sentence. */
  readonly subtitle: string;
  /** Of its parts. */
  readonly facts: readonly Fact[];
  /** What it cannot do. */
  readonly notes: readonly string[];
  /** Of a flow, from noise to data. */
  readonly layers: readonly Fact[];
}

export function wordsOf(loaded: LoadedModel): Words {
  const { model, config } = loaded;
  const { shape } = config.data;
  const about = (inside: string) =>
    `${shape.join('×')} ${shape.length > 1 ? 'pixels' : model.features === 1 ? 'number' : 'numbers'}, ` +
    `${inside}, ${thousands(model.parameterCount())} parameters`;
  if (isFlow(loaded)) {
    return { notes: [], ...flowWords(loaded.config, about) };
  }
  return {
    subtitle: about(`a code of ${loaded.config.latent}`),
    facts: partsOf(loaded.config),
    notes:
      model instanceof Autoencoder
        ? ['An autoencoder has no prior: it cannot be sampled, and it gives data no probability.']
        : [],
    layers: [],
  };
}

function flowWords(config: FlowConfig, about: (inside: string) => string): Omit<Words, 'notes'> {
  const { base, logit, dequantize } = config;
  const count = layersOf(config).length;
  return {
    subtitle: about(count === 1 ? 'one layer' : `${count} layers`),
    facts: [
      ['layers', layerCounts(config)],
      ['noise', base.kind === 'mixture' ? `mixture of ${base.components}` : base.kind],
      ...(dequantize === 'none' ? [] : [['grey levels', DEQUANTIZED[dequantize]] as const]),
      ...(logit === null ? [] : [['logit', `margin ${logit}`] as const]),
    ],
    layers: layerRows(config).map(([what, ...keys]) => [what, keys.join(', ')] as const),
  };
}

function partsOf({ encoder, latent, decoder, likelihood, data }: LatentConfig): Fact[] {
  const features = data.shape.reduce((a, b) => a * b, 1);
  const widths = (sizes: readonly number[]) => sizes.join(' → ');
  return [
    ['encoder', widths([features, ...encoder.hidden, latent])],
    ['decoder', widths([latent, ...decoder.hidden, features])],
    ['likelihood', likelihood.kind],
  ];
}
