/** Adds up what a page costs, gzipped, and fails when a budget is passed. Fonts are not in these figures. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'));
const find = (end) => Object.keys(manifest).find((key) => key.endsWith(end));

/** As `find`, but a page that is not found is a fault: it would weigh nothing and pass. */
function page(pattern) {
  const key = Object.keys(manifest).find((one) => pattern.test(one));
  if (!key) throw new Error(`no chunk is called ${pattern}`);
  return key;
}

/** The files of these modules with everything they import statically. */
function closure(keys) {
  const files = new Set();
  const seen = new Set();
  const visit = (key) => {
    const chunk = manifest[key];
    if (!chunk || seen.has(key)) return;
    seen.add(key);
    if (/\.(js|css)$/.test(chunk.file)) files.add(chunk.file);
    for (const css of chunk.css ?? []) files.add(css);
    for (const next of chunk.imports ?? []) visit(next);
  };
  keys.forEach(visit);
  return files;
}

const weigh = (files) =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(dist + file), { level: 9 }).length, 0);
const minus = (files, base) => new Set([...files].filter((file) => !base.has(file)));

const entry = find('index.html');
const english = find('catalogue/en');
const signIn = closure([entry, page(/(sign-in\/page\.ts|^_page-.*\.js)$/), page(/catalogues\/en\/sign-in\.json$/)]);
const inbox = closure([
  entry,
  page(/(^|\/)app\.ts$/),
  english,
  page(/shell\/Shell\.svelte$/),
  page(/shell\/InboxPage\.svelte$/),
  find('conversation/ConversationPane.svelte'),
  find('contact/ContactSide.svelte'),
]);
const editor = find('composer/editor.ts') ?? find('composer/Editor.svelte') ?? find('composer/Composer.svelte');

const rows = [
  ['sign-in page', signIn, 35_000],
  ['inbox with an open thread', inbox, 120_000],
  ['composer', minus(closure([editor]), inbox), 75_000],
  ['settings', minus(closure([page(/shell\/SettingsPage\.svelte$/)]), inbox), 40_000],
  ['search', minus(closure([find('search/SearchPage.svelte')]), inbox), 40_000],
];

let failed = false;
for (const [name, files, budget] of rows) {
  const bytes = weigh(files);
  failed ||= bytes > budget;
  console.log(
    `${bytes > budget ? 'over' : 'ok  '} ${name}: ${(bytes / 1000).toFixed(1)} kB of ${budget / 1000} kB gzip`,
  );
}
if (failed) process.exit(1);
