// Runs before the constructors of any shared library, because libgomp reads its environment in its own.
//
// By default idle OpenMP threads spin for milliseconds, so that two programs on the same processors slow each other fifty-fold. Threads that sleep at
// once are woken for every loop, which takes a third of the time of text written one token at a time. So they look for work for some 35 µs before they
// sleep (docs/Performance.md). What the user set is left alone.
#include "cstartup.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// A program that is started with a standard stream closed (`>&-`, some services) would get its number for the next file that it opens, and
// write its progress and its results into a journal or a model. The lowest free number is given out, so each stream is its own here.
static void open_closed_streams(void) {
  for (int stream = 0; stream <= 2; stream++)
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", O_RDWR);
}

#if defined(__linux__)
static int begins(const char *entry, const char *name) { return strncmp(entry, name, strlen(name)) == 0; }

// This early, the C library has not taken over its environment yet and would forget a setenv; so the program starts itself again with two
// variables more, before libtorch's 200 ms of start-up have begun. If that cannot be done, it goes on as it is.
static void before_libraries(int count, char **arguments, char **environment) {
  (void)count;
  open_closed_streams();
  size_t entries = 0;
  for (; environment[entries] != NULL; entries++)
    if (begins(environment[entries], "OMP_WAIT_POLICY=") || begins(environment[entries], "GOMP_SPINCOUNT=")) return;
  if (entries > 100000) return;
  char *longer[entries + 3];
  memcpy(longer, environment, entries * sizeof *longer);
  longer[entries] = "OMP_WAIT_POLICY=passive";
  longer[entries + 1] = "GOMP_SPINCOUNT=2000";
  longer[entries + 2] = NULL;
  execve("/proc/self/exe", arguments, longer);
}
__attribute__((used, section(".preinit_array"))) static void (*const first)(int, char **, char **) = before_libraries;
#else
__attribute__((constructor)) static void before_main(void) { open_closed_streams(); }
#endif
