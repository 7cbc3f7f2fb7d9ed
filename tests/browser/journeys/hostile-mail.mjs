/** A mail that tries everything: while it is looked at, nothing of it runs and no server of the sender's hears of it. */
import { equal, eventually, ok, pause } from '../lib/expect.mjs';
import { openMail } from '../lib/thread.mjs';

export const name = 'hostile-mail';
export const real = true;

function attack(url) {
  const run = (how) => `parent.postMessage('ran ${how}','*');top.ran='${how}';document.title='ran'`;
  return `<html><head><base href="${url('base')}/"><meta http-equiv="refresh" content="0;url=${url('refresh')}">
<link rel="stylesheet" href="${url('link-css')}"><link rel="preload" as="image" href="${url('preload')}"><link rel="dns-prefetch" href="${url('dns')}">
<style>@import "${url('import')}"; @font-face{font-family:x;src:url(${url('font')})} body{background:url("${url('style')}")} p::before{content:url(${url('content')})} :root{--u:url(${url('var')})} b{background:var(--u)}</style></head>
<body background="${url('body-background')}" onload="${run('onload')}">
<p style="font-family:x;background-image:url(${url('inline-style')})">Hello, <b>this is the letter</b> itself.</p>
<p style="background:u\\72l(${url('escaped-style')})">x</p><p style="list-style-image:uRl('${url('list-style')}')">x</p>
<p style="background:image-set(url(${url('image-set')}) 1x)">x</p><p style="cursor:url(${url('cursor')}),auto">x</p>
<img src="${url('img')}"><img srcset="${url('srcset')} 1x"><img src=x onerror="${run('onerror')}"><input type=image src="${url('input')}">
<picture><source srcset="${url('source')}"><img alt=""></picture><video poster="${url('poster')}" src="${url('video')}" autoplay></video><audio src="${url('audio')}" autoplay></audio>
<table background="${url('table')}"><tr><td background="${url('td')}">cell</td></tr></table>
<svg><script>${run('svg-script')}</script><image href="${url('svg-image')}"/><use href="${url('svg-use')}#a"/><a href="javascript:${run('svg-a')}"><text>svg</text></a><animate attributeName="href" values="javascript:${run('animate')}"/></svg>
<math><mtext><table><mglyph><style><img src=x onerror="${run('mxss')}"></style></mglyph></table></mtext></math>
<iframe src="${url('iframe')}"></iframe><iframe srcdoc="<script>${run('srcdoc')}</script>"></iframe><object data="${url('object')}"></object><embed src="${url('embed')}">
<script>${run('script')}</script><script src="${url('script-src')}"></script><noscript><p title="</noscript><img src=x onerror=${run('noscript')}>"></noscript>
<form action="${url('form')}"><input name=q autofocus onfocus="${run('autofocus')}"><button formaction="javascript:${run('formaction')}">Sign in again</button></form>
<a href="javascript:${run('link')}">click</a> <a href="${url('good-link')}">a good link</a> <a href="data:text/html,<script>1</script>">data</a>
<div style="position:fixed;inset:0;z-index:99999;background:red">over everything</div>
<details open ontoggle="${run('toggle')}"><summary>x</summary></details><marquee onstart="${run('marquee')}">m</marquee></body></html>`;
}

export async function run(context) {
  const canary = await context.canary();
  const page = await context.signedIn();
  const abroad = [];
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol.startsWith('http') && origin !== new URL(page.url()).origin) abroad.push(request.url());
  });
  page.on('dialog', (dialog) => dialog.dismiss());
  await page.evaluate(() => addEventListener('message', (event) => (window.told = String(event.data))));

  const hostile = '"><img src=x onerror=top.ran=1>';
  await openMail(context, page, {
    from: 'mallory@evil.example',
    name: `Mallory ${hostile}`,
    subject: `Your account ${Date.now()}`,
    html: attack((which) => canary.url(which)),
    headers: [`X-Note: ${hostile}`],
  });
  const frame = page.frameLocator('iframe').first();
  await frame.getByText('this is the letter').waitFor();
  await pause(1500);

  equal(canary.hits, [], 'requests that reached the sender’s server');
  equal(abroad, [], 'requests that left our origin');
  equal(await page.evaluate(() => window.ran ?? window.told ?? null), null, 'script that ran');
  ok(!(await page.title()).includes('ran'), 'the title is ours');
  for (const inner of page.frames().slice(1)) {
    const left = await inner
      .locator('script, iframe, object, embed, form, input, button, svg, math, link[rel=preload], [onerror], [onload]')
      .count();
    equal(left, 0, 'elements a mail may not bring');
    equal(
      await inner.locator('a[href^="javascript:" i], a[href^="data:" i]').count(),
      0,
      'links that would run something',
    );
  }
  const sandbox = await page.locator('iframe').first().getAttribute('sandbox');
  ok(sandbox !== null && !sandbox.includes('allow-scripts'), `the frame may not run scripts: ${sandbox}`);
  const link = frame.getByText('a good link');
  equal(await link.getAttribute('rel'), 'noopener noreferrer', 'a link does not tell where it was clicked');
  const over = await page.locator('iframe').first().boundingBox();
  const list = await page.locator('a.row').first().boundingBox();
  ok(over.x >= list.x + list.width - 1, 'the mail stays within its frame');
  await page
    .getByText(/remote images? not loaded/)
    .first()
    .waitFor();

  await page.getByRole('button', { name: 'Show images' }).click();
  await frame.locator('img[data-remote="0"][src]').waitFor({ state: 'attached' });
  await eventually(() => canary.hits.length > 0, 'the picture is fetched');
  await pause(500);
  equal(canary.hits, ['GET /img'], 'asked for: the one picture, once somebody wants to see it');
  equal(canary.callers, ['Frontdesk'], 'and not by the browser');
  equal(abroad, [], 'requests that left our origin');
  ok(await frame.locator('img[data-remote="0"]').evaluate((image) => image.naturalWidth === 1), 'the picture is shown');
  context.forgive(/Content Security Policy|Refused to/);
}
