import { describe, expect, it } from 'vitest';
import { oddAddress, oddTarget } from './odd';

describe('oddAddress', () => {
  it.each([
    'anna@fell.example',
    'Anna.Żak+list@żółw.example',
    'żaneta@fell.example',
    'müller@bücher.example',
    'почта@fell.example',
    "o'neil_1@fell.example",
    'no-address',
  ])('leaves %s alone', (email) => expect(oddAddress(email)).toBeNull());

  it.each([
    ['kontakt@xn--80ak6aa92e.com', 'domain', 'kontakt@xn--80ak6aa92e.com'],
    ['kontakt@аррӏе.com', 'domain', 'kontakt@xn--80ak6aa92e.com'],
    ['kontakt@pаypal.example', 'domain', 'kontakt@xn--pypal-4ve.example'],
    ['kontakt@mıcrosoft.example', 'domain', 'kontakt@xn--mcrosoft-tkb.example'],
    ['kontakt@mail.XN--80AK6AA92E.com', 'domain', 'kontakt@mail.xn--80ak6aa92e.com'],
    ['suppоrt@fell.example', 'local', 'supp‹U+043E›rt@fell.example'],
    ['сора@fell.example', 'local', '‹U+0441›‹U+043E›‹U+0440›‹U+0430›@fell.example'],
    ['pay\u200bpal@fell.example', 'hidden', 'pay‹U+200B›pal@fell.example'],
    ['anna@fell\u00ad.example', 'hidden', 'anna@fell‹U+00AD›.example'],
    ['\u202eelpmaxe@fell.example', 'hidden', '‹U+202E›elpmaxe@fell.example'],
    ['suppоrt@pаypal.example', 'domain', 'supp‹U+043E›rt@xn--pypal-4ve.example'],
  ])('writes %s out', (email, why, plain) => expect(oddAddress(email)).toEqual({ why, plain }));
});

describe('oddTarget', () => {
  it.each([
    ['https://fell.example/x', null],
    ['https://аррӏе.com/sign-in', 'xn--80ak6aa92e.com'],
    ['https://bank.example@evil.example/', 'evil.example'],
    ['mailto:anna@fell.example?subject=x', null],
    ['mailto:anna@pаypal.example', 'anna@xn--pypal-4ve.example'],
    ['mailto:%', null],
    ['tel:+48123', null],
    ['https://żółw.example/', null],
    ['https://xn--w-uga1v8h.example:8443/x', 'xn--w-uga1v8h.example'],
    ['https:\\\\аррӏе.com', 'xn--80ak6aa92e.com'],
  ])('%s leads to %s', (href, target) => expect(oddTarget(href)).toBe(target));
});
