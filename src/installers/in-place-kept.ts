import type { KeptFile } from '../planning/former.ts';
import type { KeptFiles } from './installer.ts';
import { keptFiles } from './kept-files.ts';

/** What the in-place installer keeps beside a target: backups, and what was there before the first update. */
export class InPlaceKept implements KeptFiles {
  async of(target: string, name: string): Promise<readonly KeptFile[]> {
    return keptFiles(target, name);
  }
}
