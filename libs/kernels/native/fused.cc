#include "fused.h"

#include <numeric>

#include "slots.h"

namespace lockstep {
namespace {

// From so many bytes in all, outputs go past the caches, in shorter blocks: more streams at a time then move.
constexpr size_t STREAM_BYTES = 24 << 20;
constexpr size_t STREAM_BLOCK = 128;

size_t bytesOf(bool isBool) { return isBool ? sizeof(uint8_t) : sizeof(float); }

bool isScalar(const Operand& operand, size_t length) { return operand.period == 1 || operand.repeat >= length; }
bool isFull(const Operand& operand, size_t length) { return operand.repeat == 1 && operand.period >= length; }

// Where the elements of a block lie: at base + start·step for the block from element `start`.
struct Place {
  char* base = nullptr;
  size_t step = 0;
  char* at(size_t start) const { return base + start * step; }
};

struct Register {
  Place place;
  bool isBool = false;
  bool isScalar = false;  // one float at place.base
  char* slot = nullptr;   // to be given back after the last use
  int lastUse = -1;
};

struct Step {
  Loop loop;
  Place out, a, b, c;
};

// An operand that is written out for each block, unless what lies there serves the next one too.
struct Expansion {
  Operand operand;
  char* to;
  size_t phase, count;

  void provide(const Loops& loops, size_t start, size_t length) {
    const auto [data, repeat, period, isBool] = operand;
    const size_t wanted = start % (repeat * period);
    if (wanted == phase && length <= count) return;
    phase = wanted;
    count = length;
    if (isBool) {
      loops.expandBools(reinterpret_cast<uint8_t*>(to), static_cast<const uint8_t*>(data), repeat, period, phase, count);
    } else {
      loops.expandFloats(reinterpret_cast<float*>(to), static_cast<const float*>(data), repeat, period, phase, count);
    }
  }
};

class Chain {
 public:
  void bind(const Loops& loops, const Fusion& fusion) {
    loops_ = &loops;
    fusion_ = &fusion;
    steps_.clear();
    expansions_.clear();
    slots_.reset(2 * fusion.numOperands + 4 * fusion.numInstructions + fusion.numOutputs);
    registers_.assign(fusion.numOperands + fusion.numInstructions, {});
    isWritten_.assign(fusion.numOutputs, false);
    findLastUses();
    chooseStreams();
    chooseBlock();
    for (int i = 0; i < fusion.numOperands; i++) bindOperand(i);
    for (int j = 0; j < fusion.numInstructions; j++) bindInstruction(j);
    for (int o = 0; o < fusion.numOutputs; o++) {
      if (!isWritten_[o]) bindCopy(o);
    }
  }

  void run() {
    const size_t length = fusion_->length;
    for (size_t start = 0, count = 0; start < length; start += count) {
      count = std::min(start == 0 && lead_ > 0 ? lead_ : block_, length - start);
      for (Expansion& expansion : expansions_) expansion.provide(*loops_, start, count);
      for (const Step& step : steps_) {
        step.loop(step.out.at(start), step.a.at(start), step.b.at(start), step.c.at(start), count);
      }
    }
    if (numStreams_ > 0) loops_->endStream();
  }

 private:
  void findLastUses() {
    for (int j = 0; j < fusion_->numInstructions; j++) {
      const Instruction& instruction = fusion_->instructions[j];
      for (int k = 0; k < numArgs(instruction.op); k++) registers_[instruction.args[k]].lastUse = j;
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      registers_[fusion_->outputs[o].source].lastUse = fusion_->numInstructions;
    }
  }

  // A block of whole patterns lets a short pattern be written out once for all blocks.
  void chooseBlock() {
    size_t unit = 16;
    for (int i = 0; i < fusion_->numOperands; i++) {
      const Operand& operand = fusion_->operands[i];
      if (isScalar(operand, fusion_->length) || isFull(operand, fusion_->length)) continue;
      const size_t both = std::lcm(unit, operand.repeat * operand.period);
      if (both <= MAX_BLOCK) unit = both;
    }
    block_ = std::max(numStreams_ > 0 ? STREAM_BLOCK : MAX_BLOCK, unit) / unit * unit;
  }

  bool isOutputBool(int o) const {
    const int source = fusion_->outputs[o].source;
    if (source < fusion_->numOperands) return fusion_->operands[source].isBool;
    return givesBool(fusion_->instructions[source - fusion_->numOperands].op);
  }

  // Whether output o is written over an operand whose last use comes after instruction j.
  bool overwrites(int o, int j) const {
    const char* out = static_cast<const char*>(fusion_->outputs[o].data);
    const size_t bytes = fusion_->length * bytesOf(isOutputBool(o));
    for (int i = 0; i < fusion_->numOperands; i++) {
      const Operand& operand = fusion_->operands[i];
      const char* data = static_cast<const char*>(operand.data);
      const bool apart = data >= out + bytes || out >= data + operand.period * bytesOf(operand.isBool);
      if (!apart && registers_[i].lastUse > j) return true;
    }
    return false;
  }

  // Large outputs in memory of their own, of one alignment, to which a first short block leads.
  void chooseStreams() {
    const size_t length = fusion_->length;
    isStreamed_.assign(fusion_->numOutputs, false);
    numStreams_ = 0;
    lead_ = 0;
    size_t bytes = 0;
    for (int i = 0; i < fusion_->numOperands; i++) {
      const Operand& operand = fusion_->operands[i];
      bytes += std::min(operand.period, length) * bytesOf(operand.isBool);
    }
    for (int o = 0; o < fusion_->numOutputs; o++) bytes += length * bytesOf(isOutputBool(o));
    if (bytes < STREAM_BYTES) return;
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const size_t past = reinterpret_cast<uintptr_t>(fusion_->outputs[o].data) % loops_->vectorBytes;
      const size_t lead = past == 0 ? 0 : (loops_->vectorBytes - past) / sizeof(float);
      if (isOutputBool(o) || overwrites(o, -1) || (numStreams_ > 0 && lead != lead_)) continue;
      isStreamed_[o] = true;
      numStreams_++;
      lead_ = lead;
    }
  }

  void bindOperand(int i) {
    const Operand& operand = fusion_->operands[i];
    Register& r = registers_[i];
    char* data = static_cast<char*>(const_cast<void*>(operand.data));
    r.isBool = operand.isBool;
    r.isScalar = !operand.isBool && isScalar(operand, fusion_->length);
    if (r.isScalar) r.place = {data, 0};
    else if (isFull(operand, fusion_->length)) r.place = {data, bytesOf(operand.isBool)};
    else expand(i);
  }

  // What is written out may stay for all blocks, so it shares no slot, not with earlier steps either.
  void expand(int i) {
    Operand operand = fusion_->operands[i];
    if (isScalar(operand, fusion_->length)) operand.repeat = operand.period = 1;
    char* slot = slots_.takeFresh();
    expansions_.push_back({operand, slot, 0, 0});
    registers_[i].place = {slot, 0};
    registers_[i].isScalar = false;
  }

  Place convert(Loop loop, Place from) {
    char* slot = slots_.take();
    converted_.push_back(slot);
    steps_.push_back({loop, {slot, 0}, from, {}, {}});
    return {slot, 0};
  }

  Place floats(int r) {
    if (registers_[r].isScalar) expand(r);
    return registers_[r].isBool ? convert(loops_->boolsToFloats, registers_[r].place) : registers_[r].place;
  }

  Place bools(int r) {
    return registers_[r].isBool ? registers_[r].place : convert(loops_->floatsToBools, floats(r));
  }

  // At most one of the two stays a scalar; one that is both is written out for the first.
  Loop bindPair(const PairLoops& loops, int a, int b, Place& placeA, Place& placeB) {
    const bool isScalarA = registers_[a].isScalar && !registers_[b].isScalar;
    placeA = isScalarA ? registers_[a].place : floats(a);
    const bool isScalarB = registers_[b].isScalar;
    placeB = isScalarB ? registers_[b].place : floats(b);
    return isScalarA ? loops.scalarA : isScalarB ? loops.scalarB : loops.full;
  }

  Step stepOf(const Instruction& instruction) {
    const auto [first, second, third] = instruction.args;
    const Op op = instruction.op;
    Step step{};
    if (op == Op::select) {
      step.a = bools(first);
      step.loop = bindPair(loops_->select, second, third, step.b, step.c);
    } else if (op == Op::logicalNot) {
      step.a = bools(first);
      step.loop = loops_->logicalNot;
    } else if (op == Op::logicalAnd || op == Op::logicalOr) {
      step.a = bools(first);
      step.b = bools(second);
      step.loop = op == Op::logicalAnd ? loops_->logicalAnd : loops_->logicalOr;
    } else if (op <= Op::flush) {
      step.a = floats(first);
      step.loop = loops_->unary[static_cast<int>(op)];
    } else {
      const PairLoops& pair = loops_->pairs[static_cast<int>(op) - static_cast<int>(Op::add)];
      step.loop = bindPair(pair, first, second, step.a, step.b);
    }
    return step;
  }

  void giveBackArguments(int j) {
    const Instruction& instruction = fusion_->instructions[j];
    for (int k = 0; k < numArgs(instruction.op); k++) {
      Register& r = registers_[instruction.args[k]];
      if (r.lastUse == j && r.slot) slots_.giveBack(std::exchange(r.slot, nullptr));
    }
    for (char* slot : converted_) slots_.giveBack(slot);
    converted_.clear();
  }

  void bindInstruction(int j) {
    const Instruction& instruction = fusion_->instructions[j];
    Step step = stepOf(instruction);
    // A result may take an argument's place, since no loop writes ahead of what it reads; but select reads bytes.
    if (instruction.op != Op::select) giveBackArguments(j);
    step.out = bindResult(j, givesBool(instruction.op));
    if (instruction.op == Op::select) giveBackArguments(j);
    steps_.push_back(step);
  }

  // Straight to an output where that does no harm, else a slot.
  Place bindResult(int j, bool isBool) {
    const int index = fusion_->numOperands + j;
    Register& r = registers_[index];
    r.isBool = isBool;
    for (int o = 0; o < fusion_->numOutputs && !r.place.base; o++) {
      if (fusion_->outputs[o].source != index || isStreamed_[o] || overwrites(o, j)) continue;
      isWritten_[o] = true;
      r.place = {static_cast<char*>(fusion_->outputs[o].data), bytesOf(isBool)};
    }
    if (!r.place.base) {
      r.slot = slots_.take();
      r.place = {r.slot, 0};
    }
    return r.place;
  }

  void bindCopy(int o) {
    const int source = fusion_->outputs[o].source;
    const bool isBool = registers_[source].isBool;
    const Place from = isBool ? bools(source) : floats(source);
    const Place out = {static_cast<char*>(fusion_->outputs[o].data), bytesOf(isBool)};
    const Loop loop = isBool ? loops_->copyBools : isStreamed_[o] ? loops_->streamFloats : loops_->copyFloats;
    steps_.push_back({loop, out, from, {}, {}});
  }

  const Loops* loops_ = nullptr;
  const Fusion* fusion_ = nullptr;
  std::vector<Register> registers_;
  std::vector<Step> steps_;
  std::vector<Expansion> expansions_;
  std::vector<char*> converted_;
  std::vector<bool> isStreamed_, isWritten_;
  Slots slots_;
  size_t block_ = MAX_BLOCK, lead_ = 0;
  int numStreams_ = 0;
};

}  // namespace

void fused(const Loops& loops, const Fusion& fusion) {
  static thread_local Chain chain;
  chain.bind(loops, fusion);
  chain.run();
}

}  // namespace lockstep
