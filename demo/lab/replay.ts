// One step of a plan, and what it computed, in one wait.

interface Replayed<V> {
  run(): Promise<unknown>;
  read(name: string): Promise<V>;
}

/**
 * The readings follow the step on the queue, and are not asked for when it is done: Firefox looks at the
 * GPU ten times a second, and each wait in turn would cost a tenth.
 */
export async function replay<V>(plan: Replayed<V>, ...outputs: string[]): Promise<V[]> {
  const [, ...values] = await Promise.all([plan.run(), ...outputs.map((name) => plan.read(name))]);
  return values as V[];
}
