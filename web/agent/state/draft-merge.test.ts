import { describe, expect, it } from 'vitest';
import type { Draft } from '$api/types';
import { EMPTY, mergeDrafts, toBody, type KeptDraft } from './draft-merge';

const early = '2026-11-19T10:00:00.000Z';
const late = '2026-11-19T10:05:00.000Z';

function kept(over: Partial<KeptDraft> = {}): KeptDraft {
  return { ...EMPTY, text: 'mine', base: 3, edited_at: late, dirty: true, ...over };
}
function server(over: Partial<Draft> = {}): Draft {
  const bare = { id: 1, kind: 'reply', to: [], cc: [], bcc: [], html: null, attachments: [] } as const;
  return { ...bare, to: [], cc: [], bcc: [], attachments: [], revision: 3, text: 'theirs', updated_at: early, ...over };
}

describe('mergeDrafts', () => {
  it('begins empty', () => {
    expect(mergeDrafts(null, null)).toEqual({ use: EMPTY, base: 0, other: null, dirty: false });
  });

  it('takes what only one side has', () => {
    expect(mergeDrafts(null, server()).use.text).toBe('theirs');
    expect(mergeDrafts(kept(), null)).toMatchObject({ use: { text: 'mine' }, base: 0, dirty: true });
  });

  it('forgets a saved draft that is gone from the server: it was sent or dropped elsewhere', () => {
    expect(mergeDrafts(kept({ dirty: false }), null).use).toEqual(EMPTY);
  });

  it('goes on with ours when the server has not moved', () => {
    expect(mergeDrafts(kept(), server())).toMatchObject({ use: { text: 'mine' }, base: 3, other: null, dirty: true });
  });

  it('takes the server’s when ours was saved and theirs is newer', () => {
    const merged = mergeDrafts(kept({ dirty: false }), server({ revision: 5 }));
    expect(merged).toMatchObject({ use: { text: 'theirs' }, base: 5, other: null, dirty: false });
  });

  it('keeps both when both moved: the newer is used, the other offered', () => {
    const ours = mergeDrafts(kept(), server({ revision: 5 }));
    expect(ours).toMatchObject({ use: { text: 'mine' }, other: { text: 'theirs' }, base: 5, dirty: true });
    const theirs = mergeDrafts(kept({ edited_at: early }), server({ revision: 5, updated_at: late }));
    expect(theirs).toMatchObject({ use: { text: 'theirs' }, other: { text: 'mine' }, base: 5, dirty: false });
  });

  it('never trades words for an empty draft', () => {
    expect(mergeDrafts(kept(), server({ revision: 9, text: '', updated_at: late })).use.text).toBe('mine');
    expect(mergeDrafts(kept({ text: '' }), server({ revision: 9 })).use.text).toBe('theirs');
  });

  it('sees no conflict in the same words', () => {
    const merged = mergeDrafts(kept({ text: 'theirs' }), server({ revision: 9 }));
    expect(merged).toMatchObject({ other: null, dirty: false, base: 9 });
  });
});

describe('toBody', () => {
  it('sends rich text as html beside its words, plain as text, and the revision it was made from', () => {
    expect(toBody({ ...EMPTY, text: 'a' }, 0)).toEqual({ text: 'a', attachments: [], base_revision: 0 });
    const rich = { ...EMPTY, text: 'a', html: '<p><b>a</b></p>', to: [{ name: null, email: 'a@b.example' }] };
    expect(toBody(rich, 4)).toMatchObject({ html: '<p><b>a</b></p>', to: rich.to, cc: [], bcc: [], base_revision: 4 });
  });

  it('reads a draft whose recipients nobody has touched', () => {
    const bare = server({ to: null, cc: null, bcc: null } as unknown as Partial<Draft>);
    expect(mergeDrafts(null, bare).use).toMatchObject({ to: null, cc: [], bcc: [] });
  });
});
