// What fusion decides: which nodes share a kernel.
import type { Tensor } from '../../graph/tensor.ts';
import type { Dependencies } from './dependencies.ts';
import type { Group } from './group.ts';

export interface Fusion {
  readonly groups: Group[];
  readonly groupOf: Map<Tensor, Group>;
  readonly dependencies: Dependencies;
}
