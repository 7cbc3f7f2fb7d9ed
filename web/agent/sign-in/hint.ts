/** Remembers in this browser that somebody was signed in: not who, and nothing that opens anything. */
const KEY = 'frontdesk.signed-in';

export const hint = {
  wasIn(): boolean {
    try {
      return localStorage.getItem(KEY) !== null;
    } catch {
      return false;
    }
  },
  set(isIn: boolean): void {
    try {
      if (isIn) localStorage.setItem(KEY, '1');
      else localStorage.removeItem(KEY);
    } catch {
      // Storage may be refused; then the app is fetched a moment later, that is all.
    }
  },
};
