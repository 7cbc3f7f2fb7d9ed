/** Whether text may be an e-mail address. Coarse on purpose: the server decides. */
export function looksLikeEmail(text: string): boolean {
  return /^[^\s@,;<>]+@[^\s@,;<>]+$/.test(text.trim());
}
