#include "include/ctorch.h"
#include <torch/version.h>
const char *ct_libtorch_version(void) { return TORCH_VERSION; }
