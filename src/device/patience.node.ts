/**
 * Waiting for Dawn without burning a processor core.
 *
 * While anything is pending, Dawn's binding for Node.js polls from the event loop without a pause. On
 * a software adapter that loop takes a core from the very work it waits for, so it is made to rest a
 * fraction of a millisecond a turn.
 */

/** Short against a dispatch's latency, long against a turn of the loop. */
const REST_MILLISECONDS = 0.2;

const cell = new Int32Array(new SharedArrayBuffer(4));
let waiting = 0;
let resting = false;

function rest(): void {
  resting = waiting > 0;
  if (!resting) return;
  Atomics.wait(cell, 0, 0, REST_MILLISECONDS);
  setImmediate(rest);
}

/** The promise's value; the event loop rests between its turns until it is there. */
export async function patiently<T>(work: Promise<T>): Promise<T> {
  waiting++;
  // One chain of rests, however many wait: each would lengthen every turn of the loop.
  if (!resting) {
    resting = true;
    setImmediate(rest);
  }
  try {
    return await work;
  } finally {
    waiting--;
  }
}
