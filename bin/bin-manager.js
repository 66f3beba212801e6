#!/usr/bin/env node
// Plain JavaScript of 2015, so that an old Node says what it lacks instead of a syntax error.
var version = process.versions.node.split('.').map(Number);
if (version[0] < 20 || (version[0] === 20 && version[1] < 19)) {
  process.stderr.write('bin-manager: needs Node 20.19 or newer, found ' + process.versions.node + '\n');
  process.exitCode = 1;
} else {
  import('../dist/manager/main.js').then(
    function (program) {
      return program.main(process.argv.slice(2));
    },
    function (error) {
      process.stderr.write('bin-manager: cannot be loaded (was it built? npm run build): ' + error.message + '\n');
      process.exitCode = 1;
    },
  );
}
