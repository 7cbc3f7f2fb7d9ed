/** Files on their way to the server, each with its progress; what has arrived becomes part of the draft. */
import { BASE } from '$api/client';
import type { Attachment } from '$api/types';

/** What the server takes unless told otherwise, in bytes. */
export const LARGEST = 25 * 1024 * 1024;

export type Upload = {
  key: number;
  file: File;
  /** 0 to 1. */
  progress: number;
  failed: 'too_large' | 'failed' | null;
};

type Answer = { attachment: Omit<Attachment, 'inline'> };

export class Uploads {
  items = $state.raw<Upload[]>([]);
  #next = 1;
  #running = new Map<number, XMLHttpRequest>();
  #arrived: (attachment: Attachment) => void;

  constructor(arrived: (attachment: Attachment) => void) {
    this.#arrived = arrived;
  }

  /** How many are still on their way. */
  get running(): number {
    return this.items.filter((item) => item.failed === null).length;
  }

  add(files: Iterable<File>): void {
    for (const file of files) {
      const item: Upload = { key: this.#next++, file, progress: 0, failed: file.size > LARGEST ? 'too_large' : null };
      this.items = [...this.items, item];
      if (!item.failed) this.#start(item);
    }
  }

  retry(key: number): void {
    const item = this.items.find((one) => one.key === key);
    if (!item || item.file.size > LARGEST) return;
    this.#set(key, { failed: null, progress: 0 });
    this.#start(item);
  }

  remove(key: number): void {
    this.#running.get(key)?.abort();
    this.#forget(key);
  }

  // XMLHttpRequest, since fetch tells no progress of what goes up.
  #start({ key, file }: Upload): void {
    const request = new XMLHttpRequest();
    this.#running.set(key, request);
    request.open('POST', `${BASE}/attachments?name=${encodeURIComponent(file.name || 'file')}`);
    request.setRequestHeader('content-type', file.type || 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) this.#set(key, { progress: event.loaded / event.total });
    };
    request.onload = () => {
      const answer = request.response as Answer | null;
      if (request.status === 201 && answer?.attachment) {
        this.#forget(key);
        this.#arrived({ ...answer.attachment, inline: false });
      } else this.#set(key, { failed: request.status === 413 ? 'too_large' : 'failed' });
    };
    request.onerror = () => this.#set(key, { failed: 'failed' });
    request.send(file);
  }

  #set(key: number, part: Partial<Upload>): void {
    this.items = this.items.map((one) => (one.key === key ? { ...one, ...part } : one));
  }

  #forget(key: number): void {
    this.#running.delete(key);
    this.items = this.items.filter((one) => one.key !== key);
  }
}
