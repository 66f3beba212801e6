import { DirectWay } from '../../src/platform/http-direct.ts';
import { PlainWay } from '../../src/platform/http-plain.ts';
import { openProxyWay } from '../../src/platform/http-proxy-way.ts';
import type { HttpWay } from '../../src/platform/http-way.ts';

/** The way of a host without a proxy. */
export function straightWay(): HttpWay {
  return new PlainWay(() => Promise.resolve(new DirectWay()));
}

/** Every way to a server. */
export const WAYS: readonly { readonly by: string; readonly open: () => HttpWay }[] = [
  { by: 'node:net', open: straightWay },
  { by: 'node:http', open: () => new DirectWay() },
  { by: 'ky', open: () => openProxyWay({ proxies: { none: [] } }) },
];
