// Stands in for the three Prettier modules with which GraphiQL tidies JSON with comments: it asks the first for
// `format`, and takes `printers` and `parsers` from the others only to hand them back (see build.mjs).
import { applyEdits, format as edits } from 'jsonc-parser';

export const parsers = {};
export const printers = {};

export function format(content) {
  return applyEdits(content, edits(content, undefined, { insertSpaces: true, tabSize: 2, eol: '\n' }));
}
