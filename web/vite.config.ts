import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { catalogues } from './scripts/catalogues.ts';
import { chunkOf } from './scripts/chunks.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const server = process.env.FRONTDESK_URL ?? 'http://127.0.0.1:8787';

/** Nothing is inlined into the page: the content security policy allows files of our own origin only. */
export default defineConfig({
  root: here('./agent'),
  publicDir: false,
  plugins: [catalogues(here('./catalogues')), svelte({ configFile: here('./svelte.config.js') })],
  resolve: {
    alias: {
      $api: here('./api'),
      $shared: here('./shared'),
      $agent: here('./agent'),
    },
    conditions: process.env.VITEST ? ['browser'] : undefined,
  },
  build: {
    outDir: here('./dist'),
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    reportCompressedSize: false,
    rolldownOptions: {
      output: { codeSplitting: { includeDependenciesRecursively: false, groups: [{ name: chunkOf }] } },
    },
  },
  server: {
    fs: { allow: [here('.')] },
    proxy: {
      '/api': { target: server, ws: true, changeOrigin: false },
    },
  },
  test: {
    root: here('.'),
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', 'dist/**'],
    environment: 'happy-dom',
  },
});
