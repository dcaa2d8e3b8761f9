// Memory for the strips of fused chains. It is kept for the next chain.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "machine.h"

namespace lockstep {

class Arena {
 public:
  // Makes all memory available again.
  void reset() {
    chunk_ = used_ = 0;
    free_.clear();
  }

  // Returns whole cache lines.
  char* take(size_t bytes) {
    bytes = (bytes + LINE - 1) / LINE * LINE;
    while (chunk_ < chunks_.size() && used_ + bytes > chunks_[chunk_].bytes) {
      chunk_++;
      used_ = 0;
    }
    if (chunk_ == chunks_.size()) chunks_.emplace_back(std::max(bytes, CHUNK));
    char* taken = chunks_[chunk_].start + used_;
    used_ += bytes;
    return taken;
  }

  char* takeStrip() {
    if (free_.empty()) return take(MAX_STRIP * sizeof(float));
    char* strip = free_.back();
    free_.pop_back();
    return strip;
  }

  void giveBackStrip(char* strip) { free_.push_back(strip); }

 private:
  static constexpr size_t LINE = 64, CHUNK = 1 << 16;

  struct Chunk {
    size_t bytes;
    std::unique_ptr<char[]> memory;
    char* start;

    explicit Chunk(size_t bytes) : bytes(bytes), memory(new char[bytes + LINE]) {
      start = memory.get() + (LINE - reinterpret_cast<uintptr_t>(memory.get()) % LINE) % LINE;
    }
  };

  std::vector<Chunk> chunks_;
  std::vector<char*> free_;
  size_t chunk_ = 0, used_ = 0;
};

}  // namespace lockstep
