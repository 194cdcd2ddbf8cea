// A page's script.
import { draw, train } from './work.mjs';

try {
  globalThis.outcome = { loss: await train(), drawn: await draw('/models/digits/') };
} catch (error) {
  globalThis.outcome = { error: String(error?.stack ?? error) };
}
