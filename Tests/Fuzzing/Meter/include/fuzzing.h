// What the fuzzer takes from its runtime: libFuzzer's loop as a function, and the allocator's hooks, by which heap memory is counted.
#ifndef FUZZING_H
#define FUZZING_H

#include <stddef.h>
#include <stdint.h>

/// Runs libFuzzer with a program's arguments; `body` is given each input.
int LLVMFuzzerRunDriver(int *count, char ***arguments, int (*body)(const uint8_t *data, size_t size));
/// libFuzzer's own mutations, in place. The new size.
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);

/// Begins to count what is allocated, on all threads.
void allocation_meter_start(void);
/// The most bytes that were allocated at a time since then.
int64_t allocation_meter_most(void);

#endif
