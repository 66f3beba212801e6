// The main script of the stand-alone executable, in which the chunks of bin-proxy lie as assets (.ci/package.js).
var sea = require('node:sea');
var loader = require('./load.js').loader;

function read(name) {
  return { text: sea.getAsset(name, 'utf8'), code: codeOf(name + '.v8') };
}

function codeOf(name) {
  try {
    return Buffer.from(sea.getRawAsset(name));
  } catch (_) {
    return undefined;
  }
}

loader(read, 'bin-proxy/')('./bin-proxy.cjs').main(process.argv.slice(2));
