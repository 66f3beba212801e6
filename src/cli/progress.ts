import cliProgress, { type SingleBar } from 'cli-progress';
import type { Progress } from '../engine/roles.ts';

/** A bar on stderr for the download and for the stability window, gone when they are. Only for a terminal. */
export function terminalProgress(windowSeconds: number): Progress {
  let bar: SingleBar | undefined;
  let phase = '';
  const show = (next: string, total: number, format: string) => {
    if (phase === next && bar !== undefined) return bar;
    bar?.stop();
    phase = next;
    bar = newBar(format);
    bar.start(total, 0, { mb: '0.0', left: windowSeconds.toFixed(0) });
    return bar;
  };
  return {
    downloading: (name, received, total) => {
      const shown = show(`download ${name}`, total ?? 0, `${name}  downloading  {bar}  {percentage}%  {mb} MB`);
      shown.update(received, { mb: (received / 1e6).toFixed(1) });
    },
    proving: (names, secondsLeft) => {
      const text = names.join(', ');
      const shown = show(`prove ${text}`, windowSeconds, `${text}  proving      {bar}  {left} s left`);
      shown.update(windowSeconds - secondsLeft, { left: Math.max(0, secondsLeft).toFixed(0) });
    },
    idle: () => {
      bar?.stop();
      bar = undefined;
      phase = '';
    },
  };
}

function newBar(format: string): SingleBar {
  const { SingleBar: Bar, Presets } = cliProgress;
  return new Bar({ format, clearOnComplete: true, hideCursor: true, barsize: 20, fps: 10 }, Presets.shades_classic);
}
