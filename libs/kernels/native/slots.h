// Memory for the blocks of fused chains.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace lockstep {
constexpr size_t MAX_BLOCK = 512;
// A block, room for a run that is written beyond its end, and a line that keeps slots off each other's cache sets.
constexpr size_t SLOT_BYTES = (MAX_BLOCK + 2 * 16) * sizeof(float);
constexpr size_t LINE = 64;

// The memory of one thread's chains, of the largest chain's need.
class Slots {
 public:
  // Takes all slots back; there are `most` of them.
  void reset(size_t most) {
    if (most > capacity_) {
      capacity_ = most;
      memory_.reset(new char[capacity_ * SLOT_BYTES + LINE]);
    }
    free_.clear();
    const auto start = reinterpret_cast<uintptr_t>(memory_.get());
    next_ = memory_.get() + (LINE - start % LINE) % LINE;
  }

  // One that has not been taken before.
  char* takeFresh() { return std::exchange(next_, next_ + SLOT_BYTES); }

  char* take() {
    if (free_.empty()) return takeFresh();
    char* slot = free_.back();
    free_.pop_back();
    return slot;
  }

  void giveBack(char* slot) { free_.push_back(slot); }

 private:
  std::unique_ptr<char[]> memory_;
  std::vector<char*> free_;
  char* next_ = nullptr;
  size_t capacity_ = 0;
};

}  // namespace lockstep
