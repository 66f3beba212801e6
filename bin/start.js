// Plain JavaScript of 2015, so that an old Node says what it lacks instead of a syntax error.
var fs = require('fs');
var path = require('path');
var loader = require('./load.js').loader;

/** Starts a program of this folder, as it was built. */
module.exports = function start(name) {
  var version = process.versions.node.split('.').map(Number);
  if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
    return fail(name + ': needs Node 20.19 or newer, found ' + process.versions.node);
  }
  var program;
  try {
    program = loader(read, place)('./' + name + '.cjs');
  } catch (error) {
    return fail(name + ': cannot be loaded (was it built? npm run build): ' + error.message);
  }
  return program.main(process.argv.slice(2));
};

var place = path.join(__dirname, '..', 'dist', 'bundle') + path.sep;

function read(name) {
  return { text: fs.readFileSync(place + name, 'utf8'), code: codeOf(place + name + '.v8') };
}

function codeOf(file) {
  try {
    return fs.readFileSync(file);
  } catch (_) {
    return undefined;
  }
}

function fail(message) {
  process.stderr.write(message + '\n');
  process.exitCode = 1;
}
