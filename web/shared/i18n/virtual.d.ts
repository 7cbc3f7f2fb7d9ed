declare module 'virtual:catalogue/en' {
  const messages: Record<string, string | Record<string, string>>;
  export default messages;
}
declare module 'virtual:catalogue/pl' {
  const messages: Record<string, string | Record<string, string>>;
  export default messages;
}
declare module 'virtual:catalogue/en/settings' {
  const messages: Record<string, string | Record<string, string>>;
  export default messages;
}
declare module 'virtual:catalogue/pl/settings' {
  const messages: Record<string, string | Record<string, string>>;
  export default messages;
}
