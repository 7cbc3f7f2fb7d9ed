/**
 * Which chunk a module belongs to. Left alone, the bundler makes a chunk of every set of modules that two pages share:
 * forty files of a few hundred bytes before the first conversation is on the screen. What the app and its first view
 * need is two files instead; everything else is left to the bundler.
 */

/** What the bundler says of a module, as far as it is asked here. */
export type Graph = { getModuleInfo: (id: string) => { importers: readonly string[] } | null };

/** From the first that a module is imported by, near or far, it has its chunk; null is "as the bundler likes". */
const ROOTS: [RegExp, string | null][] = [
  [/\/agent\/(main|sign-in\/page)\.ts$/, null],
  [/\/agent\/app\.ts$/, 'base'],
  [/\/agent\/shell\/(Shell|InboxPage)\.svelte$/, 'desk'],
];

/** All modules that reach this one by static imports, itself with them. */
function reachedFrom(id: string, graph: Graph): Set<string> {
  const seen = new Set([id]);
  for (const one of seen) graph.getModuleInfo(one)?.importers.forEach((importer) => seen.add(importer));
  return seen;
}

/** The chunk of a module, or null where the bundler decides. */
export function chunkOf(id: string, graph: Graph): string | null {
  // The catalogues are fetched one language at a time.
  if (id.includes('virtual:catalogue/')) return null;
  const from = [...reachedFrom(id, graph)];
  return ROOTS.find(([root]) => from.some((one) => root.test(one)))?.[1] ?? null;
}
