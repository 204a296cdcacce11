// What all functions of this boundary share: an exception becomes a status and a text.
#ifndef CARROW_GUARD_HPP
#define CARROW_GUARD_HPP

#include <arrow/result.h>
#include <arrow/status.h>

#include <new>
#include <stdexcept>
#include <string>
#include <utility>

namespace carrow {

/// The text of this thread's last failure.
inline thread_local std::string last_error;

/// Runs `body`; whatever it throws becomes the thread's error.
template <typename Body> int guarded(Body body) {
  try {
    body();
    return 0;
  } catch (const std::bad_alloc &) {
    last_error = "there is not enough memory for it";
  } catch (const std::exception &error) {
    last_error = error.what();
  } catch (...) {
    last_error = "an unknown error";
  }
  return 1;
}

inline void require(const arrow::Status &status) {
  if (!status.ok()) throw std::runtime_error(status.message());
}

template <typename Value> Value taken(arrow::Result<Value> result) {
  require(result.status());
  return std::move(result).ValueUnsafe();
}

} // namespace carrow

#endif
