// What is done before the program begins, because it would be too late there, or as it begins.
#include "cstartup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

// A program that is started with a standard stream closed (`>&-`, some services) would get its number for the next file that it opens, and
// write its progress and its results into a journal or a model. The lowest free number is given out, so each stream is its own here.
static void open_closed_streams(void) {
  for (int stream = 0; stream <= 2; stream++)
    if (fcntl(stream, F_GETFD) < 0 && errno == EBADF) (void)open("/dev/null", O_RDWR);
}

#if defined(__linux__)
// Before the constructors of shared libraries, which may open files.
__attribute__((used, section(".preinit_array"))) static void (*const first)(void) = open_closed_streams;
#else
__attribute__((constructor)) static void before_main(void) { open_closed_streams(); }
#endif

// By default idle OpenMP threads spin for milliseconds, so that two programs on the same processors slow each other fifty-fold. Threads that sleep at
// once are woken for every loop, which takes a third of the time of text written one token at a time. So they look for work for some 35 µs before they
// sleep (docs/Performance.md). What the user set is left alone. libgomp reads its environment when it is loaded, which is with libtorch, at the first
// tensor (Sources/CTorch/loader.c).
void startup_let_idle_threads_sleep(void) {
  if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL) return;
  setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/1);
  setenv("GOMP_SPINCOUNT", "2000", /*overwrite=*/1);
}
