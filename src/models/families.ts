// The families of models, by name.

/** `vae`: trained for the ELBO. `iwae`: for the importance-weighted bound. `ae`: no prior. */
export type LatentFamily = 'vae' | 'ae' | 'iwae';

export const LATENT_FAMILIES: readonly LatentFamily[] = ['vae', 'ae', 'iwae'];

/**
 * Normalizing flows, trained for the likelihood itself. `realnvp`: couplings. `maf`, `iaf`: masked
 * autoregressive, and the other way round. `linear-lu`, `linear-qr`: one linear layer. `glow`: couplings
 * and 1×1 convolutions on images of several scales; `emerging`: the same with emerging convolutions.
 * `flow`: a list of layers.
 */
export type FlowFamily =
  | 'realnvp'
  | 'maf'
  | 'iaf'
  | 'linear-lu'
  | 'linear-qr'
  | 'emerging'
  | 'glow'
  | 'flow';

export const FLOW_FAMILIES: readonly FlowFamily[] = [
  'realnvp',
  'maf',
  'iaf',
  'linear-lu',
  'linear-qr',
  'emerging',
  'glow',
  'flow',
];

export type Family = LatentFamily | FlowFamily;

export const FAMILIES: readonly Family[] = [...LATENT_FAMILIES, ...FLOW_FAMILIES];

export function isFlowFamily(family: unknown): family is FlowFamily {
  return FLOW_FAMILIES.includes(family as FlowFamily);
}
