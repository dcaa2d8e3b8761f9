#include "scratch.h"

#include <cstdlib>
#include <new>

namespace lockstep {
namespace {

struct Buffer {
  void* data = nullptr;
  size_t bytes = 0;
  ~Buffer() { std::free(data); }
};

thread_local Buffer buffer;

}  // namespace

void* scratchBytes(size_t bytes) {
  if (bytes > buffer.bytes) {
    const size_t rounded = (bytes + bytes / 8 + cacheLine - 1) / cacheLine * cacheLine;
    std::free(buffer.data);
    buffer.bytes = 0;
    buffer.data = std::aligned_alloc(cacheLine, rounded);
    if (buffer.data == nullptr) throw std::bad_alloc();
    buffer.bytes = rounded;
  }
  return buffer.data;
}

}  // namespace lockstep
