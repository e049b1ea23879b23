/** A bar on a terminal, nothing elsewhere; without a total it counts. */
export interface Progress {
  step(): void;
  end(): void;
}

const width = 30;
const everyMs = 100;

export function progress(name: string, total?: number): Progress {
  let done = 0;
  let shownMs = 0;
  const shows = process.stderr.isTTY === true;
  const draw = () => process.stderr.write(`\r${name} ${total === undefined ? done : bar(done / total)}`);
  return {
    step() {
      done++;
      if (!shows || Date.now() - shownMs < everyMs) return;
      shownMs = Date.now();
      draw();
    },
    end() {
      if (shows) process.stderr.write("\r\u001b[K");
    },
  };
}

function bar(share: number): string {
  const full = Math.round(width * Math.min(share, 1));
  return `[${"#".repeat(full)}${"-".repeat(width - full)}] ${Math.min(Math.floor(share * 100), 99)} %`;
}
