/** Loads every module of cases, in Node.js and in the page alike. */
import { allCases, type Case, cases } from './cases.ts';

const modules = import.meta.glob('../cases/*.ts');

/** Every case there is. A module that does not load becomes a case that fails. */
export async function loadCases(): Promise<Case[]> {
  for (const [path, load] of Object.entries(modules)) {
    try {
      await load();
    } catch (error) {
      cases(path.replace('../', 'tests/'), (c) => {
        c('loads', () => {
          throw error;
        });
      });
    }
  }
  return allCases();
}
