/** Stands in package.json too; a test keeps them equal. Reading that file would cost every tick. */
export const VERSION = '0.1.0';
