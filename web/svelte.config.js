/** Svelte's compiler settings: runes everywhere, also in files that use none yet. */
export default {
  compilerOptions: { runes: true },
};
