/** Tells programs without flock(1) that somebody holds the lock. It stands for as long, and after a run that died. */
export function lockDirectory(file: string): string {
  return `${file}.d`;
}

/** Says who holds the lock. */
export function ownerFile(file: string): string {
  return `${file}.owner`;
}
