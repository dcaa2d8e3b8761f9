// Repeating operands of fused chains, and the places of their strips.
#pragma once

#include "arena.h"
#include "fused.h"

namespace lockstep {

// An operand that is neither a full array nor a scalar.
class Pattern {
 public:
  // `isAligned` says that every strip starts at a multiple of the strip's length.
  Pattern(const Machine& machine, const Operand& operand, size_t length, bool isAligned, Arena& arena)
      : machine_(machine),
        operand_(operand),
        bytes_(elementBytes(operand.isBool)),
        whole_(lockstep::isScalar(operand, length) ? 1 : operand.repeat * operand.period) {
    const size_t strip = machine.strip;
    if (whole_ <= MAX_BUFFERED) {
      const bool isStill = (isAligned && strip % whole_ == 0) || length <= strip;
      whole_ = isStill ? strip : MAX_BUFFERED / whole_ * whole_;
      const size_t count = std::min(whole_, length) + strip;
      buffer_ = arena.take((count + SPARE) * bytes_);
      expand(0, count);
      kind_ = isStill ? Kind::still : Kind::buffered;
    } else if (isAligned && operand.repeat == 1 && whole_ % strip == 0) {
      kind_ = Kind::inPlace;
    } else if (isAligned && !operand.isBool && operand.repeat % strip == 0) {
      kind_ = Kind::scalars;
    } else {
      kind_ = Kind::expanded;
      buffer_ = arena.take((MAX_BUFFERED + SPARE) * bytes_);
    }
  }

  bool isStill() const { return kind_ == Kind::still; }
  char* buffer() const { return buffer_; }
  // Whether every strip reads one float.
  bool isScalar() const { return kind_ == Kind::scalars; }

  // The place of the strips from element `start`. `span` becomes the number of elements for which it holds.
  Place at(size_t start, size_t& span) {
    const size_t phase = start % whole_;
    char* data = static_cast<char*>(const_cast<void*>(operand_.data));
    switch (kind_) {
      case Kind::buffered:
        span = whole_ - phase;
        return along(buffer_ + phase * bytes_, start);
      case Kind::inPlace:
        span = whole_ - phase;
        return along(data + phase * bytes_, start);
      case Kind::scalars:
        span = operand_.repeat - phase % operand_.repeat;
        return {data + phase / operand_.repeat * bytes_, 0};
      case Kind::expanded:
        span = MAX_BUFFERED;
        expand(phase, span);
        return along(buffer_, start);
      case Kind::still: span = SIZE_MAX;
    }
    return {buffer_, 0};
  }

 private:
  // The most elements that are written out at a time, a multiple of every strip. A short pattern is repeated to fill them.
  static constexpr size_t MAX_BUFFERED = 1024;
  // The elements that an expansion may write past its end.
  static constexpr size_t SPARE = 16;

  enum class Kind { still, buffered, inPlace, scalars, expanded };

  // The place of an array whose element `start` lies at `here`.
  Place along(char* here, size_t start) const { return {here - start * bytes_, ~size_t{0}}; }

  void expand(size_t phase, size_t count) {
    const auto [data, repeat, period, isBool] = operand_;
    if (isBool) {
      machine_.expandBools(reinterpret_cast<uint8_t*>(buffer_), static_cast<const uint8_t*>(data), repeat, period,
                           phase, count);
    } else {
      machine_.expandFloats(reinterpret_cast<float*>(buffer_), static_cast<const float*>(data), repeat, period, phase,
                            count);
    }
  }

  const Machine& machine_;
  Operand operand_;
  size_t bytes_, whole_;
  Kind kind_;
  char* buffer_ = nullptr;
};

}  // namespace lockstep
