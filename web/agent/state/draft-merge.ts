/** What a draft holds, and which of two versions of it is used. Pure, so that it can be tested by itself. */
import type { Attachment, Draft, DraftBody, Person, Time } from '$api/types';
import type { Forwarding } from '$api/writing';

export type DraftContent = {
  /** Rich text; null when the text has no formatting. */
  html: string | null;
  text: string;
  /** null: the recipients the server proposes. */
  to: Person[] | null;
  cc: Person[];
  bcc: Person[];
  attachments: Attachment[];
  /** The message that is passed on, and which of its files: null for all. */
  forward?: { of: number; files: number[] | null } | null;
};

/** A draft as this browser keeps it. */
export type KeptDraft = DraftContent & {
  /** The server's revision this one was made from; 0 for none. */
  base: number;
  edited_at: Time;
  /** There are words here that the server does not have yet. */
  dirty: boolean;
};

export const EMPTY: DraftContent = { html: null, text: '', to: null, cc: [], bcc: [], attachments: [], forward: null };

export function isEmpty(content: DraftContent): boolean {
  return content.text.trim() === '' && !content.forward && enclosed(content).length === 0;
}

/** The files that go along: a picture that was taken out of the text does not. */
export function enclosed({ attachments, html }: DraftContent): Attachment[] {
  return attachments.filter((file) => !file.inline || (html ?? '').includes(`cid:${file.content_id}`));
}

/** Whether two drafts say the same to the same people. */
export function same(a: DraftContent, b: DraftContent): boolean {
  const bare = (c: DraftContent) =>
    JSON.stringify([
      c.html ?? c.text,
      emails(c.to),
      emails(c.cc),
      emails(c.bcc),
      c.attachments.map((one) => one.id),
      c.forward ?? null,
    ]);
  return bare(a) === bare(b);
}

function emails(people: Person[] | null): string[] | null {
  return people && people.map((person) => person.email.toLowerCase());
}

/** The server's draft in our shape. No recipients at all means the proposed ones. */
export function fromServer(draft: Draft): DraftContent {
  const [to, cc, bcc] = [draft.to ?? [], draft.cc ?? [], draft.bcc ?? []];
  const forward = draft.forward_of ? { of: draft.forward_of, files: draft.forward_files ?? null } : null;
  // What is passed on has no recipients of its own.
  const named = forward !== null || to.length + cc.length + bcc.length > 0;
  return {
    html: draft.html ?? null,
    text: draft.text ?? '',
    to: named ? to : null,
    cc,
    bcc,
    attachments: draft.attachments,
    forward,
  };
}

/** `base`: the revision this was made from, 0 for "there was none". */
export function toBody(content: DraftContent, base: number): DraftBody {
  const { html, text, to, cc, bcc, attachments, forward } = content;
  return {
    ...forwarding(forward),
    ...(html === null ? { text } : { html, text }),
    ...(to === null ? {} : { to, cc, bcc }),
    attachments: attachments.map((one) => one.id),
    base_revision: base,
  };
}

/** What a request says of the message passed on. */
export function forwarding(forward: DraftContent['forward']): Forwarding {
  if (!forward) return {};
  return { forward_of: forward.of, ...(forward.files ? { forward_files: forward.files } : {}) };
}

export type Merged = {
  use: DraftContent;
  base: number;
  /** The version not used, when it says something else; offered for restoring. */
  other: DraftContent | null;
  /** The server has to be told. */
  dirty: boolean;
};

/** The newer version wins; the other one is never thrown away silently. */
export function mergeDrafts(kept: KeptDraft | null, server: Draft | null): Merged {
  if (!server) {
    if (!kept) return { use: EMPTY, base: 0, other: null, dirty: false };
    // Clean here and gone there: it was sent or dropped elsewhere.
    if (!kept.dirty) return { use: EMPTY, base: 0, other: null, dirty: false };
    return { use: content(kept), base: 0, other: null, dirty: true };
  }
  const theirs = fromServer(server);
  if (!kept || !kept.dirty || same(kept, theirs)) {
    return { use: theirs, base: server.revision, other: null, dirty: false };
  }
  if (kept.base === server.revision || isEmpty(theirs)) {
    return { use: content(kept), base: server.revision, other: null, dirty: true };
  }
  if (isEmpty(kept)) return { use: theirs, base: server.revision, other: null, dirty: false };
  const oursIsNewer = Date.parse(kept.edited_at) >= Date.parse(server.updated_at);
  return oursIsNewer
    ? { use: content(kept), base: server.revision, other: theirs, dirty: true }
    : { use: theirs, base: server.revision, other: content(kept), dirty: false };
}

function content(kept: KeptDraft): DraftContent {
  const { html, text, to, cc, bcc, attachments, forward = null } = kept;
  return { html, text, to, cc, bcc, attachments, forward };
}
