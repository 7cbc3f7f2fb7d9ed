/** A small keyed store in this browser, on IndexedDB; in memory where that is shut. It knows nothing of what it keeps. */

export type ShelfName = 'drafts' | 'outbox' | 'read';

export type Shelf = {
  get<T>(shelf: ShelfName, key: string): Promise<T | undefined>;
  put(shelf: ShelfName, key: string, value: unknown): Promise<void>;
  del(shelf: ShelfName, key: string): Promise<void>;
  /** Every value whose key begins with `prefix`, in the order of the keys. */
  all<T>(shelf: ShelfName, prefix: string): Promise<T[]>;
};

const NAMES: ShelfName[] = ['drafts', 'outbox', 'read'];

/** Keeps nothing beyond the page's life. */
export function memoryShelf(): Shelf {
  const maps = new Map(NAMES.map((name) => [name, new Map<string, unknown>()]));
  const map = (name: ShelfName) => maps.get(name) as Map<string, unknown>;
  return {
    get: async <T>(name: ShelfName, key: string) => map(name).get(key) as T | undefined,
    put: async (name, key, value) => void map(name).set(key, structuredClone(value)),
    del: async (name, key) => void map(name).delete(key),
    all: async <T>(name: ShelfName, prefix: string) =>
      [...map(name)]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([, value]) => value as T),
  };
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open('frontdesk', 1);
    request.onupgradeneeded = () => {
      for (const name of NAMES) request.result.createObjectStore(name);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('blocked'));
  });
}

function answer<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** The store of this browser. A private window that refuses IndexedDB gets one in memory. */
export function browserShelf(): Shelf {
  const spare = memoryShelf();
  const opened: Promise<IDBDatabase | null> =
    typeof indexedDB === 'undefined' ? Promise.resolve(null) : open().catch(() => null);
  const store = async (name: ShelfName, mode: IDBTransactionMode) =>
    (await opened)?.transaction(name, mode).objectStore(name) ?? null;
  return {
    async get<T>(name: ShelfName, key: string) {
      const on = await store(name, 'readonly');
      return on ? ((await answer(on.get(key))) as T | undefined) : spare.get<T>(name, key);
    },
    async put(name, key, value) {
      const on = await store(name, 'readwrite');
      if (on) await answer(on.put(value, key));
      else await spare.put(name, key, value);
    },
    async del(name, key) {
      const on = await store(name, 'readwrite');
      if (on) await answer(on.delete(key));
      else await spare.del(name, key);
    },
    async all<T>(name: ShelfName, prefix: string) {
      const on = await store(name, 'readonly');
      if (!on) return spare.all<T>(name, prefix);
      return (await answer(on.getAll(IDBKeyRange.bound(prefix, `${prefix}\uffff`)))) as T[];
    },
  };
}
