// Runs a fused chain, as steps of the accumulator machine, over its elements.
#pragma once

#include <cstring>

#include "pattern.h"

namespace lockstep {

// The elements that sums process at a time, a multiple of every strip.
constexpr size_t SUM_BLOCK = 1024;

// The place of a register's strips.
struct Home {
  // Nowhere; in an array with the chain's elements; always at one place; in a pattern; in a block that is summed.
  enum class Kind { none, along, still, pattern, block } kind = Kind::none;
  char* base = nullptr;
  int pattern = 0;
  bool isBool = false;    // bytes
  bool isScalar = false;  // one float for all elements
};

// A place of a step that differs between strips.
struct Moving {
  size_t step;
  Place Step::*place;
  Home home;
};

// The start or the end of an array, extended to a whole strip.
struct Part {
  char* array;
  char* strip;
  size_t bytes;
};

struct Sum {
  RunningSum running;
  Home home;
};

class Program {
 public:
  // Begins a program whose first strip has only `lead` elements, unless that is 0.
  void reset(const Machine& machine, const Fusion& fusion, size_t lead) {
    machine_ = &machine;
    fusion_ = &fusion;
    lead_ = lead;
    arena.reset();
    steps_.clear();
    along_.clear();
    patterned_.clear();
    patterns_.clear();
    sums_.clear();
  }

  void emit(Code code, const Home& a = {}, const Home& b = {}) {
    const Place placeA = placeOf(a, &Step::a), placeB = placeOf(b, &Step::b);
    steps_.push_back({code, placeA, placeB});
  }

  // Emits a fetch of an array. It is harmless in a part of a strip.
  void emitFetch(const Home& home) { steps_.push_back({machine_->fetch, {home.base, ~size_t{0}}, {}}); }

  Home addPattern(const Operand& operand) {
    const Pattern& pattern = patterns_.emplace_back(*machine_, operand, fusion_->length, lead_ == 0, arena);
    Home home;
    home.kind = pattern.isStill() ? Home::Kind::still : Home::Kind::pattern;
    home.base = pattern.buffer();
    home.pattern = static_cast<int>(patterns_.size()) - 1;
    home.isBool = operand.isBool;
    home.isScalar = pattern.isScalar();
    return home;
  }

  // Adds a sum of floats that lie in an array or in a block.
  void addSum(const Output& output, const Home& home) {
    const size_t size = output.sumSize, inner = output.sumInner, step = inner + 16;
    size_t levels = 0;
    for (size_t numBlocks = size / 16; numBlocks > 0; numBlocks /= 2) levels++;
    float* block = reinterpret_cast<float*>(arena.take((1 + levels) * step * sizeof(float)));
    std::memset(block, 0, step * sizeof(float));
    sums_.push_back({{static_cast<float*>(output.data), size, inner, 0, 0, block, block + step, step}, home});
  }

  void run() {
    const size_t length = fusion_->length, strip = machine_->strip;
    if (lead_ > 0) runPart(0, lead_);
    const size_t end = lead_ + (length - lead_) / strip * strip;
    for (size_t start = lead_, next = start; start < end; start = next) {
      const size_t span = std::min(placePatterns(steps_, start), sums_.empty() ? end - start : SUM_BLOCK);
      next = std::min(start + (span + strip - 1) / strip * strip, end);
      machine_->run(steps_.data(), start, next);
      addToSums(start, next - start);
    }
    if (end < length) runPart(end, length - end);
  }

  Arena arena;

 private:
  Place placeOf(const Home& home, Place Step::*place) {
    if (home.kind == Home::Kind::pattern || home.kind == Home::Kind::block) {
      patterned_.push_back({steps_.size(), place, home});
    }
    if (home.kind != Home::Kind::along) return {home.base, 0};
    along_.push_back({steps_.size(), place, home});
    return {home.base, ~size_t{0}};
  }

  // Sets the places of patterns for the strips from element `start`. Returns the number of elements for which they hold.
  size_t placePatterns(std::vector<Step>& steps, size_t start) {
    size_t shortest = fusion_->length;
    for (const auto& [step, place, home] : patterned_) {
      size_t span = SUM_BLOCK;
      if (home.kind == Home::Kind::block) steps[step].*place = {home.base - start * sizeof(float), ~size_t{0}};
      else steps[step].*place = patterns_[home.pattern].at(start, span);
      shortest = std::min(shortest, span);
    }
    return shortest;
  }

  void addToSums(size_t start, size_t count) {
    for (auto& [running, home] : sums_) {
      const char* from = home.kind == Home::Kind::along ? home.base + start * sizeof(float) : home.base;
      machine_->addToSum(running, reinterpret_cast<const float*>(from), count);
    }
  }

  // Runs fewer elements than a strip. Arrays go through strips that are padded with zeros.
  void runPart(size_t start, size_t count) {
    partSteps_ = steps_;
    parts_.clear();
    for (const auto& [step, place, home] : along_) partSteps_[step].*place = {partOf(home, start, count), 0};
    placePatterns(partSteps_, start);
    machine_->run(partSteps_.data(), start, start + 1);
    for (int o = 0; o < fusion_->numOutputs; o++) {
      if (isSum(fusion_->outputs[o])) continue;
      for (const auto& [array, strip, bytes] : parts_) {
        if (array == fusion_->outputs[o].data) std::memcpy(array + start * bytes, strip, count * bytes);
      }
    }
    addToSums(start, count);
  }

  char* partOf(const Home& home, size_t start, size_t count) {
    for (const Part& part : parts_) {
      if (part.array == home.base) return part.strip;
    }
    const size_t bytes = elementBytes(home.isBool);
    char* strip = arena.take(MAX_STRIP * sizeof(float));
    std::memcpy(strip, home.base + start * bytes, count * bytes);
    std::memset(strip + count * bytes, 0, (machine_->strip - count) * bytes);
    parts_.push_back({home.base, strip, bytes});
    return strip;
  }

  const Machine* machine_ = nullptr;
  const Fusion* fusion_ = nullptr;
  std::vector<Step> steps_, partSteps_;
  std::vector<Moving> along_, patterned_;
  std::vector<Pattern> patterns_;
  std::vector<Part> parts_;
  std::vector<Sum> sums_;
  size_t lead_ = 0;
};

}  // namespace lockstep
