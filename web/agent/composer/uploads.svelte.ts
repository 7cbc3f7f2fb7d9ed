/** Files on their way to the server, each with its progress; what has arrived becomes part of the draft. */
import { BASE } from '$api/client';
import type { Attachment } from '$api/types';

/** What the server takes unless told otherwise, in bytes. */
export const LARGEST = 25 * 1024 * 1024;
/** The same for a picture in the text. */
export const LARGEST_PICTURE = 10 * 1024 * 1024;
/** All files of a message together, and how many there may be. */
const LARGEST_ALL = 25 * 1024 * 1024;
const MOST = 50;

/** Pictures that can stand in the text; the server looks at the bytes. */
export function isPicture(file: File): boolean {
  return /^image\/(png|jpeg|gif|webp)$/.test(file.type);
}

export type Upload = {
  key: number;
  file: File;
  /** 0 to 1. */
  progress: number;
  failed: Failure | null;
  /** What is done with a picture for the text once it is here. */
  picture: ((attachment: Attachment) => void) | null;
};
/** `all_too_large`, `too_many`: together with the files that are there already. */
export type Failure = 'too_large' | 'all_too_large' | 'too_many' | 'no_picture' | 'failed';

type Answer = { attachment: Attachment };

export class Uploads {
  items = $state.raw<Upload[]>([]);
  #next = 1;
  #running = new Map<number, XMLHttpRequest>();
  #arrived: (attachment: Attachment) => void;
  #there: () => Attachment[];

  constructor(arrived: (attachment: Attachment) => void, there: () => Attachment[]) {
    this.#arrived = arrived;
    this.#there = there;
  }

  /** How many are still on their way. */
  get running(): number {
    return this.items.filter((item) => item.failed === null).length;
  }

  add(files: Iterable<File>): void {
    for (const file of files) this.#add(file, null);
  }

  /** A picture for the text, where `shown` puts it. */
  addPicture(file: File, shown: (attachment: Attachment) => void): void {
    this.#add(file, shown);
  }

  #add(file: File, picture: Upload['picture']): void {
    const item: Upload = { key: this.#next++, file, progress: 0, failed: this.#refusal(file, picture), picture };
    this.items = [...this.items, item];
    if (!item.failed) this.#start(item);
  }

  /** Said before anything goes up. */
  #refusal(file: File, picture: Upload['picture']): Failure | null {
    if (file.size > (picture ? LARGEST_PICTURE : LARGEST)) return 'too_large';
    const going = this.items.filter((item) => item.failed === null).map((item) => item.file);
    const sizes = [...this.#there(), ...going].map((one) => one.size);
    if (sizes.length >= MOST) return 'too_many';
    return sizes.reduce((all, size) => all + size, file.size) > LARGEST_ALL ? 'all_too_large' : null;
  }

  retry(key: number): void {
    const item = this.items.find((one) => one.key === key);
    if (!item) return;
    const failed = this.#refusal(item.file, item.picture);
    this.#set(key, { failed, progress: 0 });
    if (!failed) this.#start(item);
  }

  remove(key: number): void {
    this.#running.get(key)?.abort();
    this.#forget(key);
  }

  // XMLHttpRequest, since fetch tells no progress of what goes up.
  #start({ key, file, picture }: Upload): void {
    const request = new XMLHttpRequest();
    this.#running.set(key, request);
    request.open(
      'POST',
      `${BASE}/attachments?name=${encodeURIComponent(file.name || 'file')}${picture ? '&inline=true' : ''}`,
    );
    request.setRequestHeader('content-type', file.type || 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) this.#set(key, { progress: event.loaded / event.total });
    };
    request.onload = () => {
      const answer = request.response as (Partial<Answer> & { reason?: string }) | null;
      if (request.status === 201 && answer?.attachment) {
        this.#forget(key);
        this.#arrived(answer.attachment);
        picture?.(answer.attachment);
      } else this.#set(key, { failed: failure(request.status, answer?.reason) });
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

function failure(status: number, reason: string | undefined): Failure {
  if (status === 413) return 'too_large';
  return reason === 'not_a_picture' ? 'no_picture' : 'failed';
}
