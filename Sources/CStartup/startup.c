// Runs before the constructors of any shared library, because libgomp reads its environment in its own.
//
// By default idle OpenMP threads spin for milliseconds, so that two programs on the same processors slow each other fifty-fold. A short
// spin keeps the handover between consecutive parallel loops fast and gives the processor away soon after. What the user set is left alone.
#include "cstartup.h"

#include <stdlib.h>

#if defined(__linux__)
static void quiet_idle_threads(void) {
  if (getenv("OMP_WAIT_POLICY") == NULL && getenv("GOMP_SPINCOUNT") == NULL) setenv("GOMP_SPINCOUNT", "20000", 0);
}
__attribute__((used, section(".preinit_array"))) static void (*const before_libraries)(void) = quiet_idle_threads;
#endif
