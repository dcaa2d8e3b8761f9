// An accumulator machine for elementwise chains: what one instruction set provides. The accumulator is a strip of
// elements in registers; a step combines it with strips in memory and calls the next step, so that what lies between
// two steps needs no memory unless it is used again.
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

// The strip of the element that lies `offset` bytes into float arrays is at base + (offset & mask), with an offset of a
// quarter of that for bytes. So a mask of 0 stays at the base.
struct Place {
  char* base = nullptr;
  size_t mask = 0;
};

// Bools are bytes in arrays, and lanes of 0 or −1 in the accumulator and in what `store` writes.
using Code = void (*)();  // of a type that only the instruction set knows

struct Step {
  Code code;
  Place a, b;
};

// acc = op(acc, a), op(a, acc); a is a strip, or one float.
struct PairCodes {
  Code withStrip, stripWith, withScalar, scalarWith;
};

// The running sum of a chain's values seen as [outer, size, inner] over the middle axis.
struct RunningSum {
  float* out;  // the next row of results
  size_t size, inner;
  size_t row, column;   // where the next value belongs
  // A block that was begun, zeros at first, and the sums of those before it, `step` ≥ inner + 16 floats each; of inner = 1
  // they are sixteen lanes.
  float *block, *levels;
  size_t step;
};

struct Machine {
  size_t strip;  // elements
  Code unary[numUnaryOps];  // by Op
  PairCodes pairs[numBinaryOps + numComparisonOps];  // by Op, from the first binary one
  Code logicalAnd, logicalOr, logicalNot;
  Code select[2][2];  // acc = acc ? a : b; of a strip or a scalar a, of a strip or a scalar b
  Code load, loadScalar, loadBools, boolsToFloats, floatsToBools, store, storeBools;
  // Past the caches, to an address aligned to `vectorBytes`; endStream makes it seen by other threads.
  Code storeStream;
  Code fetch;  // asks for the strip a, which is read soon
  Code stop;
  void (*endStream)();
  size_t vectorBytes;
  // Runs the steps, the last of which is `stop`, for each strip of elements start … end − 1.
  void (*run)(const Step* steps, size_t start, size_t end);
  void (*addToSum)(RunningSum&, const float* x, size_t count);
  // Writes `count` elements of a pattern from element `phase`, and perhaps up to sixteen beyond.
  void (*expandFloats)(float* to, const float* data, size_t repeat, size_t period, size_t phase, size_t count);
  void (*expandBools)(uint8_t* to, const uint8_t* data, size_t repeat, size_t period, size_t phase, size_t count);
};

}  // namespace lockstep
