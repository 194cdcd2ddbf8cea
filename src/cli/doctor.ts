// latentgpu doctor: which adapters there are, and what to do if there are none.
import type { Command } from 'commander';
import { type DoctorReport, doctorReport } from '../device/index.ts';
import { common, runCommand } from './common/command.ts';
import { EXIT } from './common/failure.ts';
import { table, wrap } from './common/text.ts';

/** Limits that decide how large a model can be. */
const SHOWN = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
];

function describe(report: DoctorReport): string {
  const adapters = report.adapters.map((adapter) =>
    table([
      ['adapter', adapter.name],
      ['', adapter.isSoftware ? 'software: the processor does the work' : 'hardware'],
      ['found', adapter.source],
      ...wrap(adapter.features.join(' '), 66)
        .split('\n')
        .map((line, i) => [i === 0 ? 'features' : '', line]),
      ...(adapter.subgroupSizes ? [['subgroups', adapter.subgroupSizes.join(' to ')]] : []),
      ...SHOWN.map((name, i) => [
        i === 0 ? 'limits' : '',
        `${name} ${adapter.limits[name] ?? '?'}, used ${report.deviceLimits[name] ?? '?'}`,
      ]),
    ]),
  );
  const parts = [
    `${report.runtime}, ${report.ok ? 'WebGPU works' : 'no WebGPU'}`,
    ...adapters,
    ...(report.problem ? [wrap(report.problem)] : []),
    ...(report.engines.length > 0
      ? [
          `engines\n${table(report.engines.map(({ name, found, advice }) => [`  ${name}`, found ?? `not found. ${advice}`]))}`,
        ]
      : []),
    `looked in\n${report.looked.map((line) => `  ${line}`).join('\n')}`,
    ...(report.advice.length > 0
      ? [`what to do\n${report.advice.map((line) => wrap(line, 80, '  ')).join('\n')}`]
      : []),
  ];
  return parts.join('\n\n');
}

export function doctorCommand(program: Command): void {
  const command = program
    .command('doctor')
    .description('Tells which WebGPU adapters there are, and what to do if there are none.')
    .action((options) =>
      runCommand(options, async ({ out }) => {
        const report = await doctorReport();
        out.result(report, describe(report));
        if (!report.ok) process.exitCode = EXIT.failure;
      }),
    );
  common(command, 'latentgpu doctor');
}
