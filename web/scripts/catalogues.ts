import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Plugin } from 'vite';

const PREFIX = 'virtual:catalogue/';

/** Polish never ends a line with a one-letter word: the space after it is made non-breaking. */
function bindShortWords(text: string): string {
  return text.replace(/(^|[\s(„])([aiouwzAIOUWZ]) /g, '$1$2\u00a0');
}

/** Files fetched by themselves, when a page needs them: settings, and the sign-in page, which stands alone. */
const APART = ['settings.json', 'sign-in.json'];

function read(folder: string, language: string, name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(folder, language, name), 'utf8'), (_key, value: unknown) =>
    language === 'pl' && typeof value === 'string' ? bindShortWords(value) : value,
  ) as Record<string, unknown>;
}

/** Merges the JSON files of one language folder into one map, in the order of their names. */
export function mergeCatalogue(folder: string, language: string, without: string[] = []): Record<string, unknown> {
  const names = readdirSync(join(folder, language)).sort();
  const wanted = names.filter((name) => name.endsWith('.json') && !without.includes(name));
  return Object.assign({}, ...wanted.map((name) => read(folder, language, name))) as Record<string, unknown>;
}

/**
 * Vite plugin: `virtual:catalogue/<language>` is what the inbox says, as one module, so one chunk;
 * `virtual:catalogue/<language>/settings` is one file that is fetched with its page.
 */
export function catalogues(folder: string): Plugin {
  return {
    name: 'frontdesk-catalogues',
    resolveId(id) {
      return id.startsWith(PREFIX) ? `\0${id}` : undefined;
    },
    load(id) {
      if (!id.startsWith(`\0${PREFIX}`)) return undefined;
      const [language = '', part] = id.slice(PREFIX.length + 1).split('/');
      for (const name of readdirSync(join(folder, language))) this.addWatchFile(join(folder, language, name));
      const messages = part ? read(folder, language, `${part}.json`) : mergeCatalogue(folder, language, APART);
      return `export default JSON.parse(${JSON.stringify(JSON.stringify(messages))});`;
    },
    handleHotUpdate({ file, server }) {
      if (file.startsWith(folder)) {
        server.moduleGraph.invalidateAll();
        server.ws.send({ type: 'full-reload' });
      }
    },
  };
}
