/** Words that are typed as lines and kept as HTML. */
export function html(text: string): string {
  const escaped = text.trim().replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
  return escaped && `<p>${escaped.replace(/\n/g, '<br>')}</p>`;
}

export function plain(kept: string): string {
  const lines = kept.replace(/<br\s*\/?>/gi, '\n').replace(/<\/p>\s*<p>/gi, '\n\n');
  const parsed = new DOMParser().parseFromString(lines.replace(/\n/g, '&#10;'), 'text/html');
  return (parsed.body.textContent ?? '').trim();
}
