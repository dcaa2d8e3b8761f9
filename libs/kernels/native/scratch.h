// One buffer for each thread that the kernels pack and pad into. It grows when a call needs more, is used again by
// every later call and goes with its thread: after the first step nothing is allocated.
#pragma once

#include <cstddef>

namespace lockstep {

constexpr size_t cacheLine = 64;

// At least `bytes` bytes, aligned to a cache line; what an earlier call got is no longer valid.
void* scratchBytes(size_t bytes);

// Shares the buffer out: `size` of every part, added up, is what to ask for. Always inline, since files for different
// instruction sets use it and the linker keeps one copy of what is not.
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
