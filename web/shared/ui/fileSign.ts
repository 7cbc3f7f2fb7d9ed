/** What kind of file it is, for its sign and for whether the browser shows it as a picture. */
import File from '@lucide/svelte/icons/file';
import FileArchive from '@lucide/svelte/icons/file-archive';
import FileSpreadsheet from '@lucide/svelte/icons/file-spreadsheet';
import FileText from '@lucide/svelte/icons/file-text';
import Image from '@lucide/svelte/icons/image';
import Mail from '@lucide/svelte/icons/mail';
import type { LucideIcon } from '@lucide/svelte';

type Kind = { name: string; type: string };

/** A picture the browser shows by itself; drawings that can carry scripts are not among them. */
export function isPicture(file: Kind): boolean {
  return /^image\/(png|jpeg|gif|webp|avif)$/i.test(file.type);
}

export function fileSign(file: Kind): LucideIcon {
  const type = file.type.toLowerCase();
  const end = /\.([a-z0-9]{1,5})$/i.exec(file.name)?.[1]?.toLowerCase() ?? '';
  if (type.startsWith('image/')) return Image;
  if (type === 'message/rfc822' || end === 'eml') return Mail;
  if (/spreadsheet|excel|csv/.test(type) || /^(xlsx?|ods|csv)$/.test(end)) return FileSpreadsheet;
  if (/zip|compressed|tar/.test(type) || /^(zip|7z|rar|gz|tgz)$/.test(end)) return FileArchive;
  if (type.startsWith('text/') || /pdf|word|opendocument/.test(type) || /^(pdf|docx?|odt|txt|md)$/.test(end))
    return FileText;
  return File;
}
