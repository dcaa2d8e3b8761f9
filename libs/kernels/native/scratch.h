// One buffer for each thread, into which the kernels pack and pad. It grows when a call needs more, is reused by every later
// call and is freed with its thread, so that nothing is allocated after the first step.
#pragma once

#include <cstddef>

namespace lockstep {

constexpr size_t cacheLine = 64;

// At least `bytes` bytes, aligned to a cache line. Invalidates the memory of earlier calls.
void* scratchBytes(size_t bytes);

// Divides the buffer into parts. It is constructed with the sum of the parts' sizes. Always inline, since files for different
// instruction sets use it and the linker keeps a single copy of a function that is not inlined.
struct Scratch {
  char* next;

  [[gnu::always_inline]] explicit Scratch(size_t bytes) : next(static_cast<char*>(scratchBytes(bytes))) {}

  template <typename T>
  [[gnu::always_inline]] static constexpr size_t size(size_t count) {
    return (count * sizeof(T) + cacheLine - 1) / cacheLine * cacheLine;
  }

  template <typename T>
  [[gnu::always_inline]] T* take(size_t count) {
    T* part = reinterpret_cast<T*>(next);
    next += size<T>(count);
    return part;
  }
};

}  // namespace lockstep
