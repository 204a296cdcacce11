// Runs before the constructors of any shared library, because libgomp reads its environment in its own.
//
// By default idle OpenMP threads spin for milliseconds, so that two programs on the same processors slow each other fifty-fold. Threads that
// sleep at once cost a few microseconds a parallel loop on an idle machine (docs/Performance.md). What the user set is left alone.
#include "cstartup.h"

#include <string.h>
#include <unistd.h>

#if defined(__linux__)
static int begins(const char *entry, const char *name) { return strncmp(entry, name, strlen(name)) == 0; }

// This early, the C library has not taken over its environment yet and would forget a setenv; so the program starts itself again with one
// variable more, before libtorch's 200 ms of start-up have begun. If that cannot be done, it goes on as it is.
static void quiet_idle_threads(int count, char **arguments, char **environment) {
  (void)count;
  size_t entries = 0;
  for (; environment[entries] != NULL; entries++)
    if (begins(environment[entries], "OMP_WAIT_POLICY=") || begins(environment[entries], "GOMP_SPINCOUNT=")) return;
  if (entries > 100000) return;
  char *longer[entries + 2];
  memcpy(longer, environment, entries * sizeof *longer);
  longer[entries] = "OMP_WAIT_POLICY=passive";
  longer[entries + 1] = NULL;
  execve("/proc/self/exe", arguments, longer);
}
__attribute__((used, section(".preinit_array"))) static void (*const before_libraries)(int, char **, char **) = quiet_idle_threads;
#endif
