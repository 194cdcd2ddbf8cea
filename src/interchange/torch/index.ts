// Models as programs for PyTorch, by their graphs.
export { type TorchFile, type TorchSource, torchFile } from './file.ts';
