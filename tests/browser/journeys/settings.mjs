/** Settings: what is changed is kept and seen by others at once; who may not change it is told why. */
import { EWA, TOMEK } from '../lib/context.mjs';
import { equal, eventually, ok } from '../lib/expect.mjs';

export const name = 'settings';
export const real = true;

export async function run(context) {
  const page = await context.signedIn({ path: '/settings/inboxes' });
  const colleague = await context.signedIn({ person: TOMEK, path: '/settings/workspace' });
  await colleague.getByText('Only an owner or admin can change this.').waitFor();
  ok(await colleague.getByLabel('Name', { exact: true }).isDisabled(), 'an agent cannot change the workspace');

  const stamp = String(Date.now()).slice(-6);
  await page.getByRole('button', { name: 'New inbox' }).click();
  await page.getByLabel('Name', { exact: true }).fill(`Support ${stamp}`);
  await page.getByLabel('Address on this server').fill('not an address');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.locator('#inbox-fallback_local_part[aria-invalid=true]').waitFor();
  await page.getByLabel('Address on this server').fill(`support-${stamp}`);
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText(`support-${stamp}@desk.test`).first().waitFor();
  await colleague.getByRole('link', { name: new RegExp(`Support ${stamp}`) }).waitFor();
  await context.mail({
    from: 'a@b.example',
    name: 'A',
    to: `support-${stamp}@desk.test`,
    subject: `To support ${stamp}`,
    text: 'hi',
  });
  await page.getByRole('link', { name: new RegExp(`Support ${stamp}.*1`) }).waitFor();

  await people(page, stamp);
  await relay(page, context);
  await profile(page);
}

async function people(page, stamp) {
  await page.getByRole('link', { name: 'People' }).click();
  await page.getByRole('button', { name: 'Add a person' }).first().click();
  const panel = page.getByRole('complementary', { name: 'Add a person' });
  await panel.getByLabel('Name', { exact: true }).fill(`Priya ${stamp}`);
  await panel.getByLabel('E-mail').fill(TOMEK.email);
  await panel.getByRole('button', { name: 'Make one up' }).click();
  await panel.getByRole('button', { name: 'Add a person' }).click();
  await page.locator('#person-email[aria-invalid=true]').waitFor();
  await panel.getByLabel('E-mail').fill(`priya${stamp}@tarnina.example`);
  await panel.getByRole('button', { name: 'Add a person' }).click();
  await page.getByRole('cell', { name: `priya${stamp}@tarnina.example` }).waitFor();

  await page.getByRole('button', { name: `Priya ${stamp}, open` }).click();
  await page.getByRole('button', { name: 'Deactivate' }).click();
  await page.getByText('Deactivated').first().waitFor();
  await page.getByRole('button', { name: 'Undo' }).first().click();
  await eventually(async () => (await page.getByText('Deactivated').count()) === 0, 'taking access away can be undone');

  await page.getByRole('button', { name: `${EWA.name}, open` }).click();
  await page.getByText('You can’t deactivate yourself').waitFor();
  await page.keyboard.press('Escape');
}

/** The relay of the journeys comes from the configuration: it is shown, cannot be changed, and can be tried. */
async function relay(page, context) {
  await page.getByRole('link', { name: 'Outgoing mail' }).click();
  await page.getByText('Set in the server’s configuration file').waitFor();
  ok(await page.getByLabel('Server', { exact: true }).isDisabled(), 'the relay of the file is only shown');
  await page.getByLabel('To', { exact: true }).fill('test@somewhere.example');
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText('kept by relay.test').waitFor({ timeout: 15000 });
  equal(context.relay.to('test@somewhere.example').length, 1, 'the relay has the test mail');
  context.relay.refusal = '550 5.7.1 go away';
  await page.getByRole('button', { name: 'Send a test' }).click();
  await page.getByText('550 5.7.1 go away').waitFor({ timeout: 15000 });
}

async function profile(page) {
  await page.getByRole('link', { name: 'My profile' }).click();
  await page.getByLabel('Name', { exact: true }).fill('Ewa L.');
  await page.getByText('Not saved: name').waitFor();
  await page.getByRole('link', { name: 'About' }).click();
  await page.getByRole('link', { name: 'My profile' }).click();
  equal(
    await page.getByLabel('Name', { exact: true }).inputValue(),
    'Ewa L.',
    'what is not saved survives a look elsewhere',
  );
  await page.getByRole('button', { name: 'Discard' }).click();
  equal(await page.getByLabel('Name', { exact: true }).inputValue(), EWA.name, 'discarding brings the name back');
  await page.getByLabel('Language').selectOption('pl');
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('heading', { name: 'Mój profil' }).waitFor();
  await page.getByLabel('Język').selectOption('en');
  await page.getByRole('button', { name: 'Zapisz' }).click();
  await page.getByRole('heading', { name: 'My profile' }).waitFor();
}
