// What a command can be told of a table, or of an archive of arrays.
import { type Command, Option } from 'commander';
import type { TableChoice } from '../../formats/csv.ts';

/** As commander gives them. */
export interface TableFlags {
  header?: 'yes' | 'no';
  encoding?: string;
  drop?: readonly string[];
  columns?: readonly string[];
  categorical?: readonly string[];
  array?: string;
}

/** Adds the options that say how a table is read. */
export function tableOptions(command: Command): Command {
  for (const option of options()) command.addOption(option);
  return command;
}

/** The same where there is no room for them: in a line. */
export function tableOptionsInLine(command: Command): Command {
  for (const option of options()) command.addOption(option.hideHelp());
  return command.addHelpText(
    'after',
    '\nTables: --header, --drop, --columns as in `train`; --encoding, --array <name>.',
  );
}

/** Where `--encoding` or `--array` is needed, what is said of the file says so. */
const options = (): Option[] => [
  new Option('--header <yes|no>', 'whether a table has headings').choices(['yes', 'no']),
  new Option(
    '--encoding <name>',
    "of a table's text, e.g. windows-1252; default: UTF-8",
  ).hideHelp(),
  new Option('--drop <column...>', 'columns of a table to leave out, by name or number'),
  new Option('--columns <column...>', 'columns of a table to take, by name, number or 2-5'),
  new Option(
    '--categorical <column...>',
    'columns of a table that are categories, if not those of words',
  ).hideHelp(),
  new Option('--array <name>', 'of an archive (.npz): the array to take').hideHelp(),
];

/** What was said, if anything. */
export function tableChoice(flags: TableFlags): TableChoice | undefined {
  const { header, encoding, drop, columns, categorical } = flags;
  const choice: TableChoice = {
    ...(header !== undefined && { header }),
    ...(encoding !== undefined && { encoding }),
    ...(drop !== undefined && { drop }),
    ...(columns !== undefined && { columns }),
    ...(categorical !== undefined && { categorical }),
  };
  return Object.keys(choice).length > 0 ? choice : undefined;
}
