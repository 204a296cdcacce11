#include "loading.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void fail(loading_library *library, const char *reason, const char *remedy) {
  snprintf(library->failure, sizeof library->failure, "%s cannot be loaded (%s); %s", library->name, reason, remedy);
}

/// What the loader says of a file that is not there names no folder.
static bool fail_where_missing(loading_library *library) {
  char place[1024];
  ssize_t length = readlink("/proc/self/exe", place, sizeof place - 1);
  if (length <= 0) return false;
  place[length] = '\0';
  char *name = strrchr(place, '/');
  if (name == NULL) return false;
  char reason[1536];
  snprintf(name + 1, sizeof place - (size_t)(name + 1 - place), "%s", library->file);
  if (access(place, F_OK) == 0) return false;
  snprintf(reason, sizeof reason, "there is no %s, which belongs beside the program", place);
#ifdef HEADWAY_WHEEL
  fail(library, reason, "install the wheel again");
#else
  fail(library, reason, "copy it there, or build again");
#endif
  return true;
}

bool loading_load(loading_library *library) {
  if (atomic_load_explicit(&library->handle, memory_order_acquire) != NULL) return true;
  pthread_mutex_lock(&lock);
  if (library->handle == NULL && library->failure[0] == '\0') {
    char path[256];
    // The folder of whatever this code was linked into. What is loaded later, libtorch's CUDA part say, finds what it needs as if all were linked.
    snprintf(path, sizeof path, "$ORIGIN/%s", library->file);
    void *handle = dlopen(path, RTLD_LAZY | RTLD_GLOBAL);
    if (handle == NULL) {
      const char *reason = dlerror();
      if (!fail_where_missing(library)) fail(library, reason != NULL ? reason : "no reason is known", library->remedy);
    }
    atomic_store_explicit(&library->handle, handle, memory_order_release);
  }
  bool loaded = library->handle != NULL;
  pthread_mutex_unlock(&lock);
  return loaded;
}

void *loading_look_up(loading_library *library, const char *function, _Atomic(void *) *place) {
  if (!loading_load(library)) return NULL;
  void *found = dlsym(library->handle, function);
  if (found != NULL) {
    atomic_store_explicit(place, found, memory_order_release);
  } else {
    char reason[256];
    snprintf(reason, sizeof reason, "%s is of another version and has no %s", library->file, function);
    pthread_mutex_lock(&lock);
    fail(library, reason, "build again");
    pthread_mutex_unlock(&lock);
  }
  return found;
}

const char *loading_error(loading_library *library, const char *function) {
  pthread_mutex_lock(&lock);
  bool failed = library->failure[0] != '\0';
  pthread_mutex_unlock(&lock);
  _Atomic(void *) place;
  void *found = failed ? NULL : loading_look_up(library, function, &place);
  return found == NULL ? library->failure : ((const char *(*)(void))found)();
}
