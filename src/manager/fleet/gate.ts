import type { FastifyRequest } from 'fastify';

/** Says who has asked too often: each throws what is to be answered then. */
export interface Gate {
  /** Pages and lists: people and programs ask for them, and never hosts. */
  readonly look: (request: FastifyRequest) => Promise<void>;
  /** Whatever hosts report. */
  readonly report: (request: FastifyRequest) => Promise<void>;
  /** Reports of hosts that are not known yet: what strangers make up takes the room of others. */
  readonly introduce: (request: FastifyRequest) => Promise<void>;
}
