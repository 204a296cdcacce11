#include "kernels.h"

#include "kernels.inc"
const clikeness_kernels clikeness_portable = {compare_rows, add_columns};
