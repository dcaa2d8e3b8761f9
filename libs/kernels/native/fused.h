// The interpreter of fused chains: block by block, every step of a block before the next block, so that what lies
// between two steps stays in the first-level cache. A single elementwise operation is a chain of one.
#pragma once

#include "loops.h"

namespace lockstep {

// Output element i uses data[i / repeat % period]: floats, or bytes of 0 and 1.
struct Operand {
  const void* data;
  size_t repeat, period;
  bool isBool;
};

struct Instruction {
  Op op;
  int32_t args[3];
};

struct Output {
  void* data;
  int32_t source;  // the register it takes
};

// Registers 0 … numOperands − 1 are the operands; instruction j writes register numOperands + j.
struct Fusion {
  const Operand* operands;
  const Instruction* instructions;
  const Output* outputs;
  int numOperands, numInstructions, numOutputs;
  size_t length;
};

void fused(const Loops&, const Fusion&);

}  // namespace lockstep
