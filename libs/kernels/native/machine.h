// An accumulator machine for elementwise chains, which each instruction set provides. The accumulator is a strip of elements
// in registers. A step combines it with strips in memory and calls the next step, so that a value between two steps needs no
// memory unless it is used again.
#pragma once

#include <cstddef>
#include <cstdint>

#include "operations.h"

namespace lockstep {

constexpr bool isUnary(Op op) { return static_cast<int>(op) < numUnaryOps; }
constexpr bool isLogical(Op op) { return op == Op::logicalAnd || op == Op::logicalOr; }
constexpr bool givesBool(Op op) { return static_cast<int>(op) >= numUnaryOps + numBinaryOps && op != Op::select; }
constexpr int numArgs(Op op) { return isUnary(op) || op == Op::logicalNot ? 1 : op == Op::select ? 3 : 2; }

// The largest strip of any instruction set, in elements.
constexpr size_t MAX_STRIP = 128;

// The strip of the element at byte `offset` of float arrays lies at base + (offset & mask); for bytes the offset is a quarter
// of that. With a mask of 0 every strip lies at the base.
struct Place {
  char* base = nullptr;
  size_t mask = 0;
};

// Bools are bytes in arrays, and lanes of 0 or −1 in the accumulator and in strips that `store` writes.
using Code = void (*)();  // a function whose type only the instruction set knows

struct Step {
  Code code;
  Place a, b;
};

// acc = op(acc, a) and acc = op(a, acc), where a is a strip or a scalar.
struct PairCodes {
  Code withStrip, stripWith, withScalar, scalarWith;
};

// The running sum of a chain's values seen as [outer, size, inner] over the middle axis.
struct RunningSum {
  float* out;  // next row of results
  size_t size, inner;
  size_t row, column;   // place of the next value
  // The unfinished block, at first zeros, and the sums of finished blocks, each `step` ≥ inner + 16 floats. If inner = 1 they
  // have sixteen lanes.
  float *block, *levels;
  size_t step;
};

struct Machine {
  size_t strip;  // elements
  Code unary[numUnaryOps];  // by Op
  PairCodes pairs[numBinaryOps + numComparisonOps];  // by Op, from the first binary one
  Code logicalAnd, logicalOr, logicalNot;
  Code select[2][2];  // acc = acc ? a : b; the indices say whether a and b are scalars
  Code load, loadScalar, loadBools, boolsToFloats, floatsToBools, store, storeBools;
  // Stores past the caches, to an address aligned to `vectorBytes`. endStream makes the stores visible to other threads.
  Code storeStream;
  Code fetch;  // prefetches the strip a
  Code stop;
  void (*endStream)();
  size_t vectorBytes;
  // Runs the steps, which end with `stop`, for each strip of elements start … end − 1.
  void (*run)(const Step* steps, size_t start, size_t end);
  void (*addToSum)(RunningSum&, const float* x, size_t count);
  // Writes `count` elements of a pattern from element `phase`, and possibly up to sixteen more.
  void (*expandFloats)(float* to, const float* data, size_t repeat, size_t period, size_t phase, size_t count);
  void (*expandBools)(uint8_t* to, const uint8_t* data, size_t repeat, size_t period, size_t phase, size_t count);
};

}  // namespace lockstep
