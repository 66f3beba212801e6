import { dirname, join } from 'node:path';
import { WORKSHOP } from '../domain/workshop.ts';

/** The folder beside a target, on its file system, where files are staged and former ones kept. */
export interface Workshop {
  readonly staging: string;
  readonly backups: string;
  /** Releases that were taken away again, for whoever wants to know why they failed. */
  readonly rejected: string;
}

export function workshopOf(target: string, name: string): Workshop {
  const root = join(dirname(target), WORKSHOP);
  return { staging: join(root, 'staging'), backups: join(root, 'backups', name), rejected: join(root, 'rejected') };
}
