// The types generated from the server's document are fresh, and those the pages use agree with them.
import { readFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';
import { expect, expectTypeOf, test } from 'vitest';
import type * as page from './types';
import type { components } from './schema';

type Schema = components['schemas'];

const here = (name: string) => new URL(name, import.meta.url);

test('schema.ts is what openapi.json gives; npm run bless renews it', async () => {
  const document = JSON.parse(readFileSync(here('./openapi.json'), 'utf8')) as Record<string, unknown>;
  const fresh = astToString(await openapiTS(document as never));
  const kept = readFileSync(here('./schema.ts'), 'utf8');
  const body = (text: string) => text.slice(text.indexOf('export interface paths')).trim();
  expect(body(kept)).toBe(body(fresh));
}, 30_000);

test('every field the pages read is one the server writes', () => {
  expectTypeOf<keyof page.ConversationRow>().toExtend<keyof Schema['ConversationRow']>();
  expectTypeOf<keyof page.Message>().toExtend<keyof Schema['MessageView']>();
  expectTypeOf<keyof page.Agent>().toExtend<keyof Schema['AgentView']>();
  expectTypeOf<keyof page.Inbox>().toExtend<keyof Schema['InboxView']>();
  expectTypeOf<keyof page.Draft>().toExtend<keyof Schema['DraftView']>();
});
