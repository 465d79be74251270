// Builds styles, scripts, fonts and icons into src/ecosystem/web/static/dist. The same sources give the same bytes: the
// gate builds again and compares. `--out DIR` writes elsewhere.
import { createHash } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import zlib from 'node:zlib';
import { build } from 'esbuild';
import subsetFont from 'subset-font';

const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, 'node_modules');
const scratch = path.join(here, '.build');
const { values } = parseArgs({ options: { out: { type: 'string', default: '../src/ecosystem/web/static/dist' } } });
const out = path.resolve(here, values.out);

/** Compressed bytes a first load may take, by what is loaded (front/README.md). */
const BUDGETS = { 'app.css': 25_000, 'app.js': 35_000, 'booking.js': 5_000, 'console.js': 100_000 };
const LOOK = ['btn', 'badge', 'card', 'input', 'textarea', 'label', 'select', 'dialog', 'table', 'skeleton', 'kbd'];

const fingerprint = (bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 10);
const write = (name, bytes) => fs.writeFileSync(path.join(out, name), bytes);
const read = (name) => fs.readFileSync(path.join(out, name));

/** Inter in the weights and signs we set; what is not in these files falls to the system's font. */
async function fonts() {
  const unicode = JSON.parse(fs.readFileSync(path.join(modules, '@fontsource-variable/inter/unicode.json'), 'utf8'));
  const signs = (range) =>
    range.split(',').flatMap((part) => {
      const [first, last = first] = part.trim().slice(2).split('-').map((hex) => Number.parseInt(hex, 16));
      return Array.from({ length: last - first + 1 }, (_, index) => String.fromCodePoint(first + index));
    });
  for (const subset of ['latin', 'latin-ext']) {
    const file = path.join(modules, `@fontsource-variable/inter/files/inter-${subset}-wght-normal.woff2`);
    const wanted = signs(unicode[subset] ?? unicode[`[${subset}]`]).filter((sign) => !/[\ud800-\udfff]/.test(sign));
    const made = await subsetFont(fs.readFileSync(file), wanted.join(''), {
      targetFormat: 'woff2',
      variationAxes: { wght: { min: 400, max: 700 } },
    });
    write(`inter-${subset}.woff2`, made);
  }
  fs.copyFileSync(path.join(modules, '@fontsource-variable/inter/LICENSE'), path.join(out, 'inter-license.txt'));
}

/** Basecoat's "vega" look, without the parts that no page uses. */
function look() {
  const source = fs.readFileSync(path.join(modules, 'basecoat-css/dist/styles/vega.css'), 'utf8');
  const kept = [];
  for (const rule of rules(source.slice(source.indexOf('{') + 1, source.lastIndexOf('}')))) {
    const selectors = split(rule.selector).filter(wanted);
    if (selectors.length > 0) kept.push(`${selectors.join(',\n')} ${rule.block}`);
  }
  fs.writeFileSync(path.join(scratch, 'look.css'), `@layer components {\n${kept.join('\n')}\n}\n`);
}

const UNUSED = new Set(['alert-dialog', 'button-group', 'combobox', 'command', 'drawer', 'dropdown-menu', 'field', 'item', 'sidebar']);

function wanted(selector) {
  const names = (text) => [...text.matchAll(/\.([a-z][a-z-]*)/g)].map(([, name]) => name);
  const outside = names(selector.replaceAll(/:is\(.*\)/g, ''));
  return names(selector).some((name) => LOOK.includes(name)) && !outside.some((name) => UNUSED.has(name)) && !selector.includes('html.dark');
}

/** The selectors of a list, parted at its outer commas. */
function split(list) {
  const parts = [''];
  let depth = 0;
  for (const sign of list) {
    if (sign === '(' || sign === '[') depth += 1;
    if (sign === ')' || sign === ']') depth -= 1;
    if (sign === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim());
}

/** The rules of one level of a style sheet: its selectors, and the block with its braces. */
function* rules(text) {
  const source = text.replaceAll(/\/\*[^]*?\*\//g, '');
  let start = 0;
  let depth = 0;
  for (let at = 0; at < source.length; at += 1) {
    if (source[at] === '{') depth += 1;
    if (source[at] !== '}') continue;
    depth -= 1;
    if (depth > 0) continue;
    const open = source.indexOf('{', start);
    yield { selector: source.slice(start, open), block: source.slice(open, at + 1) };
    start = at + 1;
  }
}

function styles() {
  look();
  const made = path.join(scratch, 'app.css');
  execFileSync(
    process.execPath,
    [path.join(modules, '@tailwindcss/cli/dist/index.mjs'), '--input', 'src/css/app.css', '--output', made, '--minify'],
    { cwd: here, stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const hashed = fs
    .readFileSync(made, 'utf8')
    .replaceAll(/url\((['"]?)(?:\.\/)?([\w-]+)\.woff2\1\)/g, (_, __, name) => `url(/static/${name}.${fingerprint(read(`${name}.woff2`))}.woff2)`);
  write('app.css', hashed);
}

async function scripts() {
  for (const name of ['app', 'booking', 'console']) {
    const made = await build({
      absWorkingDir: here,
      bundle: true,
      entryPoints: [`src/js/${name}.js`],
      format: 'iife',
      legalComments: 'none',
      logLevel: 'warning',
      minify: true,
      target: 'es2022',
      write: false,
    });
    write(`${name}.js`, made.outputFiles[0].contents);
  }
}

/** Lucide's drawings by name: what stands inside <svg viewBox="0 0 24 24">. */
function icons() {
  const names = fs.readFileSync(path.join(here, 'icons.txt'), 'utf8').split(/\s+/).filter(Boolean).sort();
  const drawn = {};
  for (const name of new Set(names)) {
    const file = path.join(modules, `lucide-static/icons/${name}.svg`);
    if (!fs.existsSync(file)) throw new Error(`icons.txt: Lucide has no ${name}`);
    const [, inner] = fs.readFileSync(file, 'utf8').match(/<svg[^>]*>([^]*)<\/svg>/);
    drawn[name] = inner.trim().replaceAll(/\s+/g, ' ').replaceAll('> <', '><').replaceAll(' />', '/>');
  }
  write('icons.json', `${JSON.stringify(drawn, null, 0).replaceAll('","', '",\n"')}\n`);
  fs.copyFileSync(path.join(modules, 'lucide-static/LICENSE'), path.join(out, 'icons-license.txt'));
}

function compress() {
  const options = { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_LGWIN]: 22 } };
  for (const name of fs.readdirSync(out)) {
    if (/\.(css|js)$/.test(name)) write(`${name}.br`, zlib.brotliCompressSync(read(name), options));
  }
}

function report() {
  let over = false;
  for (const name of fs.readdirSync(out).sort()) {
    if (!/\.(css|js|woff2)$/.test(name)) continue;
    const sent = fs.existsSync(path.join(out, `${name}.br`)) ? read(`${name}.br`).length : read(name).length;
    const budget = BUDGETS[name];
    over ||= budget !== undefined && sent > budget;
    const against = budget === undefined ? '' : `of ${budget}${sent > budget ? '  TOO MUCH' : ''}`;
    console.log(`${name.padEnd(22)} ${String(read(name).length).padStart(7)} bytes, sent as ${String(sent).padStart(6)} ${against}`);
  }
  if (over) process.exitCode = 1;
}

fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
fs.mkdirSync(scratch, { recursive: true });
await fonts();
styles();
await scripts();
icons();
compress();
report();
