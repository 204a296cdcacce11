// Libraries of this package that lie beside the program and are loaded when one of their functions is first called.
//
// libtorch takes 0.2 s to start, Apache Arrow some milliseconds, and many commands need neither. So the C++ that uses them is no part of the program: it is
// a shared library, and what the program has in its place are functions of the same names that load it and pass their arguments on.
#ifndef HEADWAY_LOADING_H
#define HEADWAY_LOADING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/// A library beside the program.
typedef struct {
  /// The name of its file.
  const char *file;
  /// What it links to, as a sentence begins with it, and what to do where that cannot be loaded.
  const char *name, *remedy;
  /// What the functions below remember.
  _Atomic(void *) handle;
  char failure[2048];
} loading_library;

/// Loads it where that has not been done. False where it cannot be loaded, which is not tried again.
bool loading_load(loading_library *library);
/// Why it could not be loaded, and the remedy; where it was, the text of its own function of that name.
const char *loading_error(loading_library *library, const char *function);
/// The address of one of its functions, which is also put into `place`; NULL where it cannot be loaded.
void *loading_look_up(loading_library *library, const char *function, _Atomic(void *) *place);

/// What to do where a library cannot be loaded that the Python package `requirement` brings: in a wheel, else in a build from source.
#ifdef HEADWAY_WHEEL
#define HEADWAY_LIBRARY_REMEDY(requirement) "install what it needs beside it: pip install --force-reinstall '" requirement "'"
#else
#define HEADWAY_LIBRARY_REMEDY(requirement) "lay it down with scripts/setup and build again"
#endif

/// Defines a function as one of the library's with the same name, which returns `otherwise` where that cannot be loaded.
#define LOADING_FUNCTION(library, otherwise, type, name, parameters, arguments)  \
  type name parameters {                                                         \
    static _Atomic(void *) place;                                                \
    void *found = atomic_load_explicit(&place, memory_order_acquire);            \
    if (found == NULL) found = loading_look_up(&(library), #name, &place);       \
    return found == NULL ? (otherwise) : ((__typeof__(&name))found)arguments;    \
  }

#endif
