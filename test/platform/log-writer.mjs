// Writes a thousand lines to the log and ends in the way that is asked for.
import { openLog } from '../../dist/platform/log.js';

const [file, end] = process.argv.slice(2);
const log = openLog({ file, fileLevel: 'info', stderrLevel: 'error', run: 'cafe' });
for (let i = 0; i < 1_000; i++) log.info(`line ${i}`);
if (end === 'exit') process.exit(3);
if (end === 'kill') process.kill(process.pid, 'SIGKILL');
if (end === 'throw') throw new Error('on purpose');
if (end === 'reject') await Promise.reject(new Error('on purpose'));
