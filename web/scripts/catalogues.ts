import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const PREFIX = 'virtual:catalogue/';

/** Polish never ends a line with a one-letter word: the space after it is made non-breaking. */
function bindShortWords(text: string): string {
  return text.replace(/(^|[\s(„])([aiouwzAIOUWZ]) /g, '$1$2\u00a0');
}

/** Merges the JSON files of one language folder into one map, in the order of their names. */
export function mergeCatalogue(folder: string, language: string): Record<string, unknown> {
  const dir = join(folder, language);
  const merged: Record<string, unknown> = {};
  for (const name of readdirSync(dir).sort()) {
    if (!name.endsWith('.json')) continue;
    const part = JSON.parse(readFileSync(join(dir, name), 'utf8'), (_key, value: unknown) =>
      language === 'pl' && typeof value === 'string' ? bindShortWords(value) : value,
    ) as Record<string, unknown>;
    Object.assign(merged, part);
  }
  return merged;
}

/** Vite plugin: `virtual:catalogue/<language>` is all catalogues of that language as one module, so one chunk. */
export function catalogues(folder: string): Plugin {
  return {
    name: 'frontdesk-catalogues',
    resolveId(id) {
      return id.startsWith(PREFIX) ? `\0${id}` : undefined;
    },
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return undefined;
      const language = id.slice(PREFIX.length + 1);
      for (const name of readdirSync(join(folder, language))) this.addWatchFile(join(folder, language, name));
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(mergeCatalogue(folder, language)))});`;
    },
    handleHotUpdate({ file, server }) {
      if (file.startsWith(folder)) {
        server.moduleGraph.invalidateAll();
        server.ws.send({ type: 'full-reload' });
      }
    },
  };
}
