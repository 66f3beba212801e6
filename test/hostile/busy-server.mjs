// A server that takes no connection at first, as one that is far away: says its port, and is deaf until a file is there
// that says somebody comes, and for so many milliseconds more. Its queue holds two connections; whoever comes when it
// is full has to come again, after a second.
import { existsSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';

const [comes, ms] = process.argv.slice(2);

function deafFor(some) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, some);
}

const server = createServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello'));
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 1 }, () => {
  writeSync(1, `${server.address().port}\n`);
  while (!existsSync(comes)) deafFor(20);
  deafFor(Number(ms));
});
