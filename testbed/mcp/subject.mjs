// What is tested: our server over a recorded cluster.
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const { MIDWATCH, RECORDED } = process.env;
/** Starts `midwatch serve` in front of `midwatch replay`, on free ports, with the old SSE switched on. */
export async function serve() {
  const dir = await mkdtemp(join(tmpdir(), 'midwatch-mcp-'));
  const replay = spawn(MIDWATCH, ['replay', RECORDED, '--listen', '127.0.0.1:0'], { stdio: ['ignore', 'pipe', 'pipe'] });
  const server = await said(replay, /http:\/\/127\.0\.0\.1:\d+/);
  const config = join(dir, 'midwatch.yaml');
  await writeFile(config, `listen: 127.0.0.1:0\ndata_dir: ${dir}\ncluster: {server: '${server}'}\nmcp: {sse: true}\n`);
  const midwatch = spawn(MIDWATCH, ['serve', '--config', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  const address = await said(midwatch, /address=(127\.0\.0\.1:\d+)/);
  return {
    url: `http://${address}`,
    async stop() {
      for (const child of [midwatch, replay]) child.kill('SIGKILL');
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Waits for a line that matches, on either output. */
function said(child, pattern) {
  return new Promise((resolve, reject) => {
    const seen = [];
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        const plain = line.replace(/\x1b\[[0-9;]*m/g, '');
        seen.push(plain);
        const match = plain.match(pattern);
        if (match) resolve(match[1] ?? match[0]);
      });
    }
    child.on('exit', (code) => reject(new Error(`it ended with ${code}:\n${seen.join('\n')}`)));
  });
}
