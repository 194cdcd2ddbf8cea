// How much workgroup memory a kernel takes, read from its text.
import { constantsOf, evaluate } from './constants.ts';
import { code, declarationsOf } from './declarations.ts';

/** What WebGPU offers everywhere, in bytes. */
export const WORKGROUP_BYTES = 16384;

const VARIABLE = /^var<workgroup>\s*\w+\s*:\s*([\s\S]*);$/;
const STRUCT = /^struct\s+(\w+)\s*\{([\s\S]*)\}/;
const ARRAY = /^array<([\s\S]*),([^,<>]*)>$/;
const WORDS: Readonly<Record<string, number>> = { vec2: 2, vec3: 4, vec4: 4 };
const NAME = 'a kernel';

/** Bytes of all variables in workgroup memory; infinitely many if a type of theirs is not known. */
export function workgroupBytesOf(text: string): number {
  if (!text.includes('var<workgroup>')) return 0;
  const declarations = declarationsOf(NAME, text);
  const texts = declarations.map((declaration) => code(declaration.text));
  const constants = constantsOf(declarations);
  const structs = new Map(
    texts.flatMap((each) => {
      const [, name, members] = STRUCT.exec(each) ?? [];
      return name === undefined || members === undefined ? [] : [[name, members] as const];
    }),
  );
  const bytesOf = (type: string): number => {
    const [, element, count] = ARRAY.exec(type) ?? [];
    if (element !== undefined && count !== undefined) {
      return bytesOf(element.trim()) * evaluate(NAME, count, constants);
    }
    const [, vector = ''] = /^(vec[234])[fui]$/.exec(type) ?? [];
    if (vector !== '') return 4 * (WORDS[vector] as number);
    if (/^([fui]32|bool)$/.test(type)) return 4;
    const members = structs.get(type);
    if (members === undefined) return Number.POSITIVE_INFINITY;
    const all = splitMembers(members).map((member) =>
      bytesOf(member.replace(/^\w+\s*:/, '').trim()),
    );
    return Math.ceil(all.reduce((a, b) => a + b, 0) / 16) * 16;
  };
  return texts.reduce((sum, each) => {
    const [, type] = VARIABLE.exec(each) ?? [];
    return type === undefined ? sum : sum + bytesOf(type.trim());
  }, 0);
}

/** Members of a struct; the commas in their types part nothing. */
function splitMembers(text: string): string[] {
  const members = [''];
  let depth = 0;
  for (const c of text) {
    if (c === '<' || c === '(') depth++;
    else if (c === '>' || c === ')') depth--;
    if (c === ',' && depth === 0) members.push('');
    else members[members.length - 1] += c;
  }
  return members.map((member) => member.trim()).filter((member) => member !== '');
}
