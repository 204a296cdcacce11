// Runs before the constructors of any shared library, because libgomp reads its environment in its own.
//
// By default idle OpenMP threads spin for milliseconds, so that two programs on the same processors slow each other fifty-fold. Threads that
// sleep at once cost a few microseconds a parallel loop on an idle machine (docs/Performance.md). What the user set is left alone.
#include "cstartup.h"

#include <stdlib.h>

#if defined(__linux__)
static void quiet_idle_threads(void) {
  if (getenv("OMP_WAIT_POLICY") == NULL && getenv("GOMP_SPINCOUNT") == NULL) setenv("OMP_WAIT_POLICY", "passive", 0);
}
__attribute__((used, section(".preinit_array"))) static void (*const before_libraries)(void) = quiet_idle_threads;
#endif
