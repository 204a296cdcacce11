// PyTorch's wheel has c10d's header for Gloo, but none of Gloo's own, of which that needs very little: what these files declare. Whether the library
// agrees is asked when a group of processes is joined (process_groups.cpp). Where real headers are installed before these, they are used.
#pragma once

#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
