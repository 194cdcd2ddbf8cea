const { digits } = require('latentgpu');
const { load } = require('latentgpu/sampler');
const { openHost } = require('latentgpu/testing');

console.log(JSON.stringify([digits({ count: 2 }).count, typeof load, typeof openHost]));
