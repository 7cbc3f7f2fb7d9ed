/** Looks at one shown message from within the page: whether its words can be read, and what of it has no business there. */

/**
 * Run in the page. Gives null while the message is not there yet, else {read, faults, pictures, text}: whether the words
 * can be seen by whoever looks, all that may not be in a shown mail, and how many pictures have an address.
 */
export function survey([id, words]) {
  const article = document.getElementById(`message-${id}`);
  const frame = article?.querySelector('iframe');
  const body = article?.querySelector('.msg-b');
  if (!body) return article && { read: false, faults: ['no body'], pictures: 0, text: '' };
  body.scrollIntoView({ block: 'start' });
  if (!frame && body.querySelector('.frame')) return null;
  if (frame && !frame.classList.contains('shown')) return null;
  const root = frame ? frame.contentDocument.body : body;
  const view = frame ? frame.contentWindow : window;
  const faults = [];

  const NEVER =
    'script,style,link,meta,base,title,iframe,frame,frameset,object,embed,applet,form,input,button,select,option,textarea,' +
    'svg,math,video,audio,source,track,picture,map,area,template,slot,dialog,noscript,plaintext,xmp,portal,canvas,marquee,details';
  const OURS = 'P,DIV,SPAN,A,BR,BUTTON,SVG,PATH,CIRCLE';
  const reachesOut = [
    'backgroundImage',
    'listStyleImage',
    'borderImageSource',
    'content',
    'cursor',
    'maskImage',
    'filter',
  ];
  const elements = [...root.querySelectorAll('*')];
  // A page nested thousands of times says the same at each level.
  for (const element of elements.length > 400 ? [...elements.slice(0, 200), ...elements.slice(-200)] : elements) {
    const tag = element.localName;
    if (frame ? element.matches(NEVER) : !OURS.split(',').includes(tag.toUpperCase())) faults.push(`<${tag}>`);
    for (const { name, value } of element.attributes) {
      if (/^on|^(id|name|srcset|background|poster|ping|action|formaction|usemap|autofocus|tabindex|srcdoc)$/.test(name))
        faults.push(`<${tag} ${name}>`);
      if (name === 'href' && !/^(https?:\/\/|mailto:|tel:)/.test(value)) faults.push(`<${tag} href=${value}>`);
      if (name === 'src' && !/^(\/api\/v1\/attachments\/\d+$|data:image\/(png|gif|jpeg|webp);base64,)/.test(value))
        faults.push(`<${tag} src=${value}>`);
    }
    if (tag === 'a' && element.href && (element.rel !== 'noopener noreferrer' || element.target !== '_blank'))
      faults.push('a link that tells where it was clicked');
    const style = view.getComputedStyle(element);
    if (frame && style.position !== 'static') faults.push(`position ${style.position}`);
    for (const property of frame ? reachesOut : [])
      if (/url|image|\(/.test(style[property])) faults.push(`${property}: ${style[property]}`);
  }

  if (frame) {
    if (/allow-scripts|allow-top|allow-modals|allow-forms/.test(frame.getAttribute('sandbox') ?? 'allow-scripts'))
      faults.push('the frame may too much');
    const [inner, outer] = [frame.getBoundingClientRect(), article.getBoundingClientRect()];
    if (
      inner.left < outer.left - 1 ||
      inner.right > outer.right + 1 ||
      inner.top < outer.top - 1 ||
      inner.bottom > outer.bottom + 1
    )
      faults.push('the frame reaches out of its message');
    if (frame.contentDocument.styleSheets.length !== 1) faults.push('style sheets of the mail');
  }

  const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  let read = false;
  for (let node = walker.nextNode(); node && !read; node = walker.nextNode()) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    const range = root.ownerDocument.createRange();
    range.setStart(node, at);
    range.setEnd(node, at + words.length);
    const box = range.getBoundingClientRect();
    const within =
      !frame ||
      (box.left >= 0 && box.top >= 0 && box.right <= view.innerWidth + 1 && box.bottom <= view.innerHeight + 1);
    const on = node.parentElement.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    const hit = root.ownerDocument.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
    // Outside of a frame it may lie above the fold; inside, the frame is as high as its content.
    const bare = !frame || hit === node.parentElement;
    read = box.width > 20 && box.height > 5 && within && on && bare;
  }
  const pictures = [...root.querySelectorAll('img[src]')].filter((image) => image.naturalWidth > 0).length;
  return { read, faults: [...new Set(faults)], pictures, text: root.innerText, framed: Boolean(frame) };
}
