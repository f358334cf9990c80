/* Shifts the wall clock of a process by the seconds that stand in a file; its monotonic clock stays. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int clock_gettime(clockid_t clock, struct timespec *now) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, now);
  if (clock == CLOCK_REALTIME && result == 0) {
    long shift = 0;
    const char *path = getenv("CLOCK_SHIFT_FILE");
    FILE *file = path ? fopen(path, "r") : NULL;
    if (file) {
      if (fscanf(file, "%ld", &shift) != 1) shift = 0;
      fclose(file);
    }
    now->tv_sec += shift;
  }
  return result;
}
