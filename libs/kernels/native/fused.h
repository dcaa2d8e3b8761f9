// Fused chains on the accumulator machine: strip by strip, every step of a strip before the next strip. A single
// elementwise operation is a chain of one.
#pragma once

#include "machine.h"

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
  // A sum of the register seen as [outer, sumSize, sumInner] over the middle axis; an inner of 0 is no sum.
  int32_t sumSize, sumInner;
};

// Registers 0 … numOperands − 1 are the operands; instruction j writes register numOperands + j.
struct Fusion {
  const Operand* operands;
  const Instruction* instructions;
  const Output* outputs;
  int numOperands, numInstructions, numOutputs;
  size_t length;
};

void fused(const Machine&, const Fusion&);

}  // namespace lockstep
