// What models without codes, drawn from place after place, say of what they lack.
export const NO_CODES = {
  code: 'an autoregressive model, which has no codes; `latentgpu score` has log p(x) of every row',
  decode: 'an autoregressive model, which has no codes to decode; `latentgpu sample` draws from it',
  draw: 'an autoregressive model, which has no prior of codes',
  impute:
    'an autoregressive model, which takes no missing values; train a vae to fill in what is missing',
  bijection: 'no flow but an autoregressive model, which is no bijection',
  estimate: 'an autoregressive model, whose gradient is exact: there are no estimators to compare',
  refine: 'an autoregressive model, which has no codes; leave out --refine',
} as const;
