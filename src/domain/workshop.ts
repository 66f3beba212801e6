/** The folder beside a target, on its file system, in which files are staged and former ones kept. */
export const WORKSHOP = '.bin-proxy';

/** Bytes that staging leaves free for everybody else on a file system. */
export const RESERVE_BYTES = 10 * 1024 * 1024;
