import { describe, expect, it } from 'vitest';
import { length, readTrace } from './trace';

const OURS =
  'Received: from mail.shop.example ([192.0.2.7]) by desk.example with ESMTPS (TLSv1_3 TLS13_AES_256_GCM_SHA384) id 17 for <help@desk.example>; Tue, 14 Nov 2023 22:13:20 +0000';
const THEIRS =
  'Received: from laptop (laptop.shop.example [198.51.100.3]) by mail.shop.example with ESMTP; Tue, 14 Nov 2023 23:13:08 +0100 (CET)';

describe('readTrace', () => {
  it('tells the way in its order, with what each step took', () => {
    const { envelope, hops } = readTrace(
      ['Return-Path: <bounces@shop.example>', OURS, THEIRS],
      '2023-11-14T22:10:00.000Z',
    );
    expect(envelope).toBe('bounces@shop.example');
    expect(hops.map(({ from, by, tls, took }) => ({ from, by, tls, took }))).toEqual([
      { from: 'laptop laptop.shop.example [198.51.100.3]', by: 'mail.shop.example', tls: null, took: 188 },
      { from: 'mail.shop.example [192.0.2.7]', by: 'desk.example', tls: 'TLS 1.3', took: 12 },
    ]);
    expect(hops[1]?.at?.toISOString()).toBe('2023-11-14T22:13:20.000Z');
  });

  it('takes what it can from lines that say less', () => {
    expect(readTrace(['Return-Path: <>', 'Received: nothing; nowhen', 'X: y'], null)).toEqual({
      envelope: '',
      hops: [{ from: '', by: '', tls: null, at: null, took: null }],
    });
    expect(readTrace([], null)).toEqual({ envelope: null, hops: [] });
  });
});

describe('length', () => {
  it.each([
    [3, '+3 sec'],
    [188, '+3 min'],
    [-7200, '-2 hr'],
    [172_800, '+2 days'],
  ])('%d seconds is %s', (seconds, text) => expect(length(seconds)).toBe(text));
});
