/** Published one after the other. 3.0 is the bad one: it comes up, and dies when supervisor already believes in it. */
export type HelloVersion = '1.0' | '2.0' | '3.0' | '4.0';

const BAD: HelloVersion = '3.0';

/** The program of the demo: a shell script, so that it runs on every machine. */
export function hello(version: HelloVersion): Buffer {
  const life = version === BAD ? dies(version) : ['while :; do sleep 1; done'];
  return Buffer.from(['#!/bin/sh', `echo "hello ${version}: started with pid $$"`, ...life, ''].join('\n'));
}

function dies(version: HelloVersion): readonly string[] {
  return ['sleep 2', `echo "hello ${version}: cannot go on, giving up"`, 'exit 1'];
}
