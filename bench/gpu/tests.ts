// The half of the test suite that runs on Dawn, for a machine without a test runner: every case of
// tests/cases, one after another; what failed on standard error, one JSON object on standard output.
import { Command } from 'commander';
import { loadCases } from '../../tests/rig/all.ts';
import { CaseRunner } from '../../tests/rig/runner.ts';

const command = new Command('gpu-tests')
  .description('Runs the test cases on Dawn.')
  .option('--filter <text...>', 'only cases with one of these in their name')
  .option('--patience <n>', 'how many times as long as usual a case may take', Number, 1)
  .parse();
const { filter, patience } = command.opts<{ filter?: string[]; patience: number }>();

const runner = new CaseRunner();
const adapter = await runner.start();
const wanted = (name: string) => !filter || filter.some((part) => name.includes(part));
const failed: { name: string; why: string }[] = [];
let passed = 0;
for (const each of await loadCases()) {
  const name = `${each.suite} > ${each.name}`;
  if (!wanted(name)) continue;
  try {
    await runner.run({ ...each, timeout: each.timeout * patience });
    passed++;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    failed.push({ name, why });
    process.stderr.write(`failed: ${name}: ${why}\n`);
  }
}
runner.stop();
process.stdout.write(`${JSON.stringify({ adapter, passed, failed }, null, 2)}\n`);
process.exitCode = failed.length > 0 || passed === 0 ? 1 : 0;
