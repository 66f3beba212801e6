/*
 * measure FILE PROGRAM [ARGUMENTS]: runs a program and writes into FILE what it and its children used:
 *   <processor microseconds, user and system> <wall microseconds> <peak resident KiB of the largest> <exit status>
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long microseconds(struct timeval time) { return time.tv_sec * 1000000LL + time.tv_usec; }

int main(int argc, char **argv) {
  struct timespec begin, end;
  struct rusage used;
  int status;
  if (argc < 3) return 64;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  pid_t child = vfork();
  if (child == 0) {
    execvp(argv[2], argv + 2);
    _exit(127);
  }
  /* wait4 counts the children that the program itself has waited for. */
  if (child < 0 || wait4(child, &status, 0, &used) != child) return 70;
  clock_gettime(CLOCK_MONOTONIC, &end);
  FILE *out = fopen(argv[1], "w");
  if (out == NULL) return 73;
  fprintf(out, "%lld %lld %ld %d\n", microseconds(used.ru_utime) + microseconds(used.ru_stime),
          (end.tv_sec - begin.tv_sec) * 1000000LL + (end.tv_nsec - begin.tv_nsec) / 1000, used.ru_maxrss,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  fclose(out);
  return 0;
}
