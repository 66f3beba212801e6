/** Where a server listens. */
export interface ListenAddress {
  /** An address or a name of this machine; `::` for all. */
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
}

const HOST_AND_PORT = /^(?:\[(?<v6>[0-9A-Fa-f:.]+)\]|(?<host>[A-Za-z0-9.-]*)):(?<port>\d{1,5})$/;
const LAST_PORT = 65_535;
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|localhost)$/;

/** Reads `127.0.0.1:8080`, `[::1]:8080`, `name:8080` or `:8080`, which means all addresses. */
export function listenAddress(text: string): ListenAddress | undefined {
  const { v6, host, port } = HOST_AND_PORT.exec(text)?.groups ?? {};
  if (port === undefined || Number(port) > LAST_PORT) return undefined;
  return { host: v6 ?? (host || '::'), port: Number(port) };
}

/** `127.0.0.1:8080`, as it stands in an address. */
export function listenText({ host, port }: ListenAddress): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Whether nobody but this machine can get there. */
export function isLoopback({ host }: ListenAddress): boolean {
  return LOOPBACK.test(host);
}
