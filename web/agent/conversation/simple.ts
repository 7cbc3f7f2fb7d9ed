/**
 * Whether a mail's HTML says nothing that its text does not: paragraphs and line breaks alone, and the same words. Such a
 * mail is shown as text, in our type and at once, with no frame around it.
 */
import type { Message } from '$api/types';
import { fold } from './fold';

const QUOTE = '<div class="fd-quote">';
const BARE = /<(?!\/?(?:p|br|div)(?:\s+dir="(?:ltr|rtl|auto)")?\s*\/?>)/i;
const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', nbsp: ' ', '#39': "'" };

/** Words only: no tags, no entities, no white space. */
function bare(text: string): string {
  return text.replace(/\s+/g, '');
}

function words(html: string): string {
  return bare(html.replace(/<[^>]*>/g, ' ').replace(/&(\w+|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole));
}

type Part = Pick<Message, 'html' | 'text' | 'has_quote' | 'quote_from_line' | 'own_colours' | 'remote_images'>;

export function isSimple(message: Part): boolean {
  const { html, text } = message;
  if (!html || message.own_colours || message.remote_images > 0 || !text.trim()) return false;
  const at = html.indexOf(QUOTE);
  // History that only the HTML has would be lost in the text.
  if ((at >= 0 || message.has_quote) && message.quote_from_line === null) return false;
  const head = at < 0 ? html : html.slice(0, at);
  if (BARE.test(head)) return false;
  return words(head) === bare(fold(text, message.quote_from_line).own);
}
