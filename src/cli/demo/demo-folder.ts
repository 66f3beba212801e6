import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** sun_path holds 107 bytes, and supervisord first binds a name that is longer by its pid. */
const MAX_FOLDER_BYTES = 70;
/** What a configuration file of supervisor can hold without any quoting. */
const PLAIN = /^[\w./-]+$/;

const MANIFEST = `{
  "binaries": [
    {
      "name": "hello",
      "version": "latest",
      "currentSha256": ""
    }
  ]
}
`;

/** A host in a temporary folder: everything that bin-proxy and the service manager of the demo use or write. */
export class DemoFolder {
  readonly path = mkdtempSync(join(temporaryPlace(), 'bin-proxy-demo-'));
  /** Where the programs are installed. */
  readonly binDir = join(this.path, 'bin');
  /** Comes first on the PATH of everything the demo runs. */
  readonly toolsDir = join(this.path, 'tools');
  readonly manifest = join(this.path, 'bin-manifests.json');
  readonly supervisorConf = join(this.path, 'supervisord.conf');
  readonly socket = join(this.path, 'supervisor.sock');
  readonly runLog = join(this.path, 'bin-proxy.log');
  readonly serviceLog = join(this.path, 'hello.log');

  constructor() {
    mkdirSync(this.binDir);
    mkdirSync(this.toolsDir);
    writeFileSync(join(this.path, 'config'), '');
    writeFileSync(this.manifest, MANIFEST);
  }

  /** What bin-proxy is told about this host. Nothing of what it is told about the real one may get through. */
  environment(api: string, path: string): NodeJS.ProcessEnv {
    const foreign = /^(BIN_|LOG_FILE$)/;
    const inherited = Object.entries(process.env).filter(([name]) => !foreign.test(name));
    return {
      ...Object.fromEntries(inherited),
      PATH: path,
      BIN_PROXY_CONFIG: join(this.path, 'config'),
      BIN_MANAGER_API: api,
      BIN_DIR: this.binDir,
      BIN_MANIFESTS: this.manifest,
      LOG_FILE: this.runLog,
      BIN_PROXY_STATE_DIR: join(this.path, 'state'),
      BIN_PROXY_LOCK_FILE: join(this.path, 'run', 'lock'),
      BIN_PROXY_STABLE_SECONDS: '2',
      BIN_PROXY_SUPERVISOR_CONF: this.supervisorConf,
    };
  }

  installedHello(): Buffer {
    return readFileSync(join(this.binDir, 'hello'));
  }

  manifestSha256(): string | undefined {
    const { binaries } = JSON.parse(readFileSync(this.manifest, 'utf8')) as { binaries: { currentSha256?: string }[] };
    return binaries[0]?.currentSha256;
  }

  /** The last lines of bin-proxy's own log, for a demo that went wrong. */
  lastOfRunLog(): string {
    try {
      return readFileSync(this.runLog, 'utf8').trimEnd().split('\n').slice(-12).join('\n');
    } catch {
      return '';
    }
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 });
  }
}

function temporaryPlace(): string {
  const usual = tmpdir();
  return PLAIN.test(usual) && usual.startsWith('/') && usual.length <= MAX_FOLDER_BYTES ? usual : '/tmp';
}
