// Loads the chunks of a program, with the code that V8 made of them when they were built: compiling them anew costs an
// idle tick as much as asking its server. Code of another V8 is no good here; V8 sees that, and compiles.
var vm = require('vm');

/**
 * Returns a `require` for chunks and for Node's own modules. `read(name)` gives the `text` of a chunk, which is that of a
 * function of `exports`, `require`, `module` and `__filename` (rolldown.config.js), and its `code` if there is some; `place`
 * stands before the names of chunks in stack traces.
 */
function loader(read, place) {
  var loaded = {};
  return function load(name) {
    if (name.slice(0, 2) !== './') return require(name);
    if (loaded[name] !== undefined) return loaded[name].exports;
    var chunk = read(name.slice(2));
    var filename = place + name.slice(2);
    var script = new vm.Script(chunk.text, { filename: filename, cachedData: chunk.code });
    loaded[name] = { exports: {} };
    script.runInThisContext()(loaded[name].exports, load, loaded[name], filename);
    return loaded[name].exports;
  };
}

module.exports = { loader: loader };
