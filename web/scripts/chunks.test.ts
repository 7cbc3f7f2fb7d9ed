import { expect, test } from 'vitest';
import { chunkOf, type Graph } from './chunks';

/** A graph from what imports what. */
function graph(imports: Record<string, string[]>): Graph {
  return {
    getModuleInfo: (id) => ({ importers: Object.keys(imports).filter((one) => imports[one]?.includes(id)) }),
  };
}

const made = graph({
  '/web/agent/main.ts': ['/web/api/client.ts'],
  '/web/agent/app.ts': ['/web/agent/App.svelte', '/web/api/client.ts'],
  '/web/agent/App.svelte': ['/svelte/runtime.js'],
  '/web/agent/shell/Shell.svelte': ['/svelte/runtime.js', '/icons/bell.svelte'],
  '/web/agent/settings/Page.svelte': ['/icons/bell.svelte', '/icons/gear.svelte'],
});

test.each([
  ['/web/agent/main.ts', null, 'the entry stays what it is'],
  ['/web/api/client.ts', null, 'what the sign-in page shares is not in a chunk with the app'],
  ['/web/agent/app.ts', 'base', 'the start of the app'],
  ['/svelte/runtime.js', 'base', 'what every page needs'],
  ['/web/agent/shell/Shell.svelte', 'desk', 'the first view'],
  ['/icons/bell.svelte', 'desk', 'what the first view shares with a later page'],
  ['/icons/gear.svelte', null, 'what only a later page needs'],
  ['\0virtual:catalogue/en', null, 'a language is fetched by itself'],
])('%s goes to %s: %s', (id, chunk, _why) => expect(chunkOf(id, made)).toBe(chunk));

test('a circle of imports ends', () => {
  const circle = graph({ '/a.ts': ['/b.ts'], '/b.ts': ['/a.ts'] });
  expect(chunkOf('/a.ts', circle)).toBe(null);
});
