import { connect, type Socket } from 'node:net';
import type { Carrier, Exchange } from './http-plain-answer.ts';
import { EACH_ADDRESS } from './http-way.ts';

/** As many requests are on their way to one server at once; the others wait for their turn. */
const MAX_CONNECTIONS = 16;

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** The connections to one server. They are kept between requests, and do not keep the process. */
export class PlainServer {
  readonly #address: Address;
  readonly #waiting: Exchange[] = [];
  readonly #all = new Set<Connection>();
  readonly #idle: Connection[] = [];

  constructor(address: Address) {
    this.#address = address;
  }

  ask(exchange: Exchange): void {
    this.#waiting.push(exchange);
    this.#serve();
  }

  /** Hands exchanges to connections for as long as there are both. */
  #serve(): void {
    for (let [next] = this.#waiting; next !== undefined; [next] = this.#waiting) {
      const connection = next.isOver ? undefined : (this.#idle.pop() ?? this.#open());
      if (connection === undefined && !next.isOver) return;
      this.#waiting.shift();
      connection?.carry(next);
    }
  }

  #open(): Connection | undefined {
    if (this.#all.size >= MAX_CONNECTIONS) return undefined;
    const connection = new Connection(this.#address, {
      free: () => {
        this.#idle.push(connection);
        this.#serve();
      },
      gone: () => {
        this.#all.delete(connection);
        const at = this.#idle.indexOf(connection);
        if (at !== -1) this.#idle.splice(at, 1);
        this.#serve();
      },
    });
    this.#all.add(connection);
    return connection;
  }
}

interface Owner {
  /** It has carried an exchange, and can carry another one. */
  free(): void;
  /** It carries nothing any more. */
  gone(): void;
}

/** A socket that carries one exchange after the other. */
class Connection implements Carrier {
  readonly #socket: Socket;
  readonly #owner: Owner;
  #exchange: Exchange | undefined;
  #isGone = false;

  constructor(address: Address, owner: Owner) {
    this.#owner = owner;
    const socket = connect({ ...address, ...EACH_ADDRESS });
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => this.#take(bytes));
    socket.on('end', () => this.#end());
    socket.on('error', (error) => this.#break(error));
    socket.on('close', () => this.#break(new Error('the connection was closed')));
  }

  carry(exchange: Exchange): void {
    this.#exchange = exchange;
    this.#socket.ref();
    exchange.begin(this);
    this.#socket.write(exchange.request, 'latin1');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
    if (this.#isGone) return;
    this.#isGone = true;
    this.#owner.gone();
  }

  #take(bytes: Buffer): void {
    const exchange = this.#exchange;
    exchange?.take(bytes);
    // What nobody has asked for must not be taken for the next answer.
    if (exchange === undefined || (exchange.isOver && !exchange.keepsConnection)) return this.destroy();
    if (!exchange.isOver) return;
    this.#exchange = undefined;
    this.#socket.unref();
    this.#owner.free();
  }

  #end(): void {
    this.#exchange?.serverEnds();
    this.destroy();
  }

  #break(error: Error): void {
    this.#exchange?.fail(error);
    this.destroy();
  }
}
