#include "fused.h"

#include <cstring>
#include <utility>

#include "pattern.h"

namespace lockstep {
namespace {

// From so many bytes in all, outputs go past the caches.
constexpr size_t STREAM_BYTES = 24 << 20;
// Elements that sums take at a time, a multiple of every strip.
constexpr size_t SUM_BLOCK = 1024;

bool isScalar(const Operand& operand, size_t length) { return operand.period == 1 || operand.repeat >= length; }
bool isFull(const Operand& operand, size_t length) { return operand.repeat == 1 && operand.period >= length; }
bool isSum(const Output& output) { return output.sumInner > 0; }

// Where a register's strips lie.
struct Home {
  // Nowhere; along an array with the chain's elements; at one place; where a pattern has them; in a block to be summed.
  enum class Kind { none, along, still, pattern, block } kind = Kind::none;
  char* base = nullptr;
  int pattern = 0;
  bool isBool = false;    // bytes
  bool isScalar = false;  // one float for all elements
};

struct Register {
  Home home;
  bool isBool = false;
  bool needsHome = false;
  bool isSummed = false;
  bool ownsStrip = false;  // to be given back after the last use
  int lastUse = -1;
};

// A place of a step that is not the same for all strips.
struct Moving {
  size_t step;
  Place Step::*place;
  Home home;
};

// The end of an array, or its start, as a whole strip.
struct Part {
  char* array;
  char* strip;
  size_t bytes;
};

struct Sum {
  RunningSum running;
  Home home;
};

class Chain {
 public:
  void bind(const Machine& machine, const Fusion& fusion) {
    machine_ = &machine;
    fusion_ = &fusion;
    arena_.reset();
    steps_.clear();
    along_.clear();
    patterned_.clear();
    patterns_.clear();
    sums_.clear();
    accumulator_ = NONE;
    registers_.assign(fusion.numOperands + fusion.numInstructions, {});
    isWritten_.assign(fusion.numOutputs, false);
    findUses();
    chooseStreams();
    for (int i = 0; i < fusion.numOperands; i++) bindOperand(i);
    for (int j = 0; j < fusion.numInstructions; j++) bindInstruction(j);
    for (int o = 0; o < fusion.numOutputs; o++) {
      if (isSum(fusion.outputs[o])) bindSum(fusion.outputs[o]);
    }
    bindCopies();
    emit(machine_->stop);
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
    if (numStreams_ > 0) machine_->endStream();
  }

 private:
  static constexpr int NONE = -1;

  bool isOperand(int r) const { return r < fusion_->numOperands; }
  bool isBoolRegister(int r) const {
    return isOperand(r) ? fusion_->operands[r].isBool : givesBool(fusion_->instructions[r - fusion_->numOperands].op);
  }

  // Whether register r can be the strip or scalar that a step reads beside the accumulator.
  bool isReady(int r, bool asBools) const {
    return asBools ? isBoolRegister(r) && !isOperand(r) : !isBoolRegister(r);
  }

  // Whether argument k of instruction j is what the instruction before has left in the accumulator, used once.
  bool isInAccumulator(int j, int k) const {
    const auto& [op, args] = fusion_->instructions[j];
    if (args[k] != fusion_->numOperands + j - 1) return false;
    if (op == Op::select && k > 0) return false;
    for (int other = 0; other < numArgs(op); other++) {
      if (other != k && (args[other] == args[k] || !isReady(args[other], isLogical(op)))) return false;
    }
    return true;
  }

  void findUses() {
    for (int j = 0; j < fusion_->numInstructions; j++) {
      const Instruction& instruction = fusion_->instructions[j];
      for (int k = 0; k < numArgs(instruction.op); k++) {
        Register& r = registers_[instruction.args[k]];
        r.lastUse = j;
        if (!isInAccumulator(j, k)) r.needsHome = true;
      }
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      Register& r = registers_[fusion_->outputs[o].source];
      r.lastUse = fusion_->numInstructions;
      if (isSum(fusion_->outputs[o])) r.needsHome = r.isSummed = true;
    }
  }

  // Whether output o is written over operand i.
  bool overlaps(int o, int i) const {
    const Output& output = fusion_->outputs[o];
    const Operand& operand = fusion_->operands[i];
    const char *out = static_cast<const char*>(output.data), *data = static_cast<const char*>(operand.data);
    return data < out + fusion_->length * elementBytes(isBoolRegister(output.source)) &&
           out < data + operand.period * elementBytes(operand.isBool);
  }

  // Whether output o is written over an operand whose last use comes after instruction j.
  bool overwrites(int o, int j) const {
    for (int i = 0; i < fusion_->numOperands; i++) {
      if (registers_[i].lastUse > j && overlaps(o, i)) return true;
    }
    return false;
  }

  // Large outputs in memory of their own, of one alignment, to which a first part of a strip leads.
  void chooseStreams() {
    const size_t length = fusion_->length;
    isStreamed_.assign(fusion_->numOutputs, false);
    numStreams_ = 0;
    lead_ = 0;
    size_t bytes = 0;
    for (int i = 0; i < fusion_->numOperands; i++) {
      const Operand& operand = fusion_->operands[i];
      bytes += std::min(operand.period, length) * elementBytes(operand.isBool);
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const Output& output = fusion_->outputs[o];
      if (!isSum(output)) bytes += length * elementBytes(isBoolRegister(output.source));
    }
    if (bytes < STREAM_BYTES) return;
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const Output& output = fusion_->outputs[o];
      const size_t past = reinterpret_cast<uintptr_t>(output.data) % machine_->vectorBytes;
      const size_t lead = past == 0 ? 0 : (machine_->vectorBytes - past) / sizeof(float);
      if (isSum(output) || isBoolRegister(output.source) || overwrites(o, -1)) continue;
      if (numStreams_ > 0 && lead != lead_) continue;
      isStreamed_[o] = true;
      numStreams_++;
      lead_ = lead;
    }
  }

  Place placeOf(const Home& home, Place Step::*place) {
    if (home.kind == Home::Kind::pattern || home.kind == Home::Kind::block) {
      patterned_.push_back({steps_.size(), place, home});
    }
    if (home.kind != Home::Kind::along) return {home.base, 0};
    along_.push_back({steps_.size(), place, home});
    return {home.base, ~size_t{0}};
  }

  void emit(Code code, const Home& a = {}, const Home& b = {}) {
    const Place placeA = placeOf(a, &Step::a), placeB = placeOf(b, &Step::b);
    steps_.push_back({code, placeA, placeB});
  }

  void bindOperand(int i) {
    const Operand& operand = fusion_->operands[i];
    char* data = static_cast<char*>(const_cast<void*>(operand.data));
    Home& home = registers_[i].home;
    registers_[i].isBool = home.isBool = operand.isBool;
    if (isFull(operand, fusion_->length)) {
      home.kind = Home::Kind::along;
      home.base = data;
    } else if (!operand.isBool && isScalar(operand, fusion_->length)) {
      home.kind = Home::Kind::still;
      home.base = data;
      home.isScalar = true;
    } else {
      Pattern& pattern = patterns_.emplace_back(*machine_, operand, fusion_->length, lead_ == 0, arena_);
      home.kind = pattern.isStill() ? Home::Kind::still : Home::Kind::pattern;
      home.isScalar = pattern.isScalar();
      home.base = pattern.buffer();
      home.pattern = static_cast<int>(patterns_.size()) - 1;
    }
  }

  // Register r into the accumulator, as bools or as floats.
  void bring(int r, bool asBools) {
    const Home& home = registers_[r].home;
    const bool isBool = registers_[r].isBool;
    if (accumulator_ != r) {
      emit(home.isScalar ? machine_->loadScalar : home.isBool ? machine_->loadBools : machine_->load, home);
    }
    accumulator_ = isBool == asBools ? r : NONE;
    if (isBool && !asBools) emit(machine_->boolsToFloats);
    if (!isBool && asBools) emit(machine_->floatsToBools);
  }

  Home storeStrip() {
    Home home;
    home.kind = Home::Kind::still;
    home.base = arena_.takeStrip();
    emit(machine_->store, home);
    return home;
  }

  Home storeBlock() {
    Home home;
    home.kind = Home::Kind::block;
    home.base = arena_.take(SUM_BLOCK * sizeof(float));
    emit(machine_->store, home);
    return home;
  }

  // Register r for a step that reads it beside the accumulator, whose content may be lost unless r is ready.
  Home beside(int r, bool asBools) {
    if (isReady(r, asBools)) return registers_[r].home;
    bring(r, asBools);
    accumulator_ = NONE;
    return storeStrip();
  }

  // A division by a power of two is a multiplication, with the same bits and faster.
  bool emitExactDivision(int a, int b) {
    const Home& divisor = registers_[b].home;
    if (divisor.kind != Home::Kind::still || !divisor.isScalar) return false;
    int32_t bits = 0;
    std::memcpy(&bits, divisor.base, sizeof bits);
    const int32_t exponent = bits >> 23 & 0xff;
    if ((bits & 0x7fffff) != 0 || exponent < 1 || exponent > 253) return false;
    Home inverse = divisor;
    inverse.base = arena_.take(sizeof(float));
    const int32_t inverseBits = (bits & INT32_MIN) | (254 - exponent) << 23;
    std::memcpy(inverse.base, &inverseBits, sizeof inverseBits);
    bring(a, false);
    emit(pairCodes(Op::mul).withScalar, inverse);
    return true;
  }

  const PairCodes& pairCodes(Op op) const { return machine_->pairs[static_cast<int>(op) - static_cast<int>(Op::add)]; }

  void emitPair(const PairCodes& codes, int a, int b) {
    const bool isHere = accumulator_ == b && a != b && isReady(a, false);
    if (isHere || (accumulator_ != a && registers_[a].home.isScalar)) {
      const Home& home = registers_[a].home;
      bring(b, false);
      emit(home.isScalar ? codes.scalarWith : codes.stripWith, home);
    } else {
      const Home home = beside(b, false);
      bring(a, false);
      emit(home.isScalar ? codes.withScalar : codes.withStrip, home);
    }
  }

  void emitLogical(Code code, int a, int b) {
    if (accumulator_ == b && a != b && isReady(a, true)) std::swap(a, b);
    const Home home = beside(b, true);
    bring(a, true);
    emit(code, home);
  }

  void emitInstruction(const Instruction& instruction) {
    const auto [a, b, c] = instruction.args;
    const Op op = instruction.op;
    if (op == Op::select) {
      const Home second = beside(b, false), third = beside(c, false);
      bring(a, true);
      emit(machine_->select[second.isScalar][third.isScalar], second, third);
    } else if (op == Op::logicalNot) {
      bring(a, true);
      emit(machine_->logicalNot);
    } else if (isLogical(op)) {
      emitLogical(op == Op::logicalAnd ? machine_->logicalAnd : machine_->logicalOr, a, b);
    } else if (isUnary(op)) {
      bring(a, false);
      emit(machine_->unary[static_cast<int>(op)]);
    } else if (op != Op::div || !emitExactDivision(a, b)) {
      emitPair(pairCodes(op), a, b);
    }
  }

  void bindInstruction(int j) {
    const Instruction& instruction = fusion_->instructions[j];
    emitInstruction(instruction);
    // The result may take an argument's strip: by now all of that has been read.
    for (int k = 0; k < numArgs(instruction.op); k++) {
      Register& r = registers_[instruction.args[k]];
      if (r.lastUse == j && std::exchange(r.ownsStrip, false)) arena_.giveBackStrip(r.home.base);
    }
    bindResult(j);
  }

  // The accumulator straight to the outputs where that does no harm, and to a strip if it is used again.
  void bindResult(int j) {
    const int index = accumulator_ = fusion_->numOperands + j;
    Register& r = registers_[index];
    r.isBool = givesBool(fusion_->instructions[j].op);
    for (int o = 0; o < fusion_->numOutputs; o++) {
      if (fusion_->outputs[o].source != index || isSum(fusion_->outputs[o])) continue;
      if (overwrites(o, j)) {
        r.needsHome = true;
        continue;
      }
      const Home out = emitOutput(o);
      if (!r.isBool && !isStreamed_[o]) r.home = out;
    }
    if (!r.needsHome || r.home.kind != Home::Kind::none) return;
    r.home = r.isSummed ? storeBlock() : storeStrip();
    r.ownsStrip = !r.isSummed;
  }

  Home emitOutput(int o) {
    const Output& output = fusion_->outputs[o];
    Home out;
    out.kind = Home::Kind::along;
    out.base = static_cast<char*>(output.data);
    out.isBool = isBoolRegister(output.source);
    emit(out.isBool ? machine_->storeBools : isStreamed_[o] ? machine_->storeStream : machine_->store, out);
    isWritten_[o] = true;
    return out;
  }

  bool isOverwritten(int operand) const {
    for (int o = 0; o < fusion_->numOutputs; o++) {
      if (!isSum(fusion_->outputs[o]) && overlaps(o, operand)) return true;
    }
    return false;
  }

  void bindSum(const Output& output) {
    const int source = output.source;
    Home home = registers_[source].home;
    if (isOperand(source) && (home.kind != Home::Kind::along || home.isBool || isOverwritten(source))) {
      bring(source, false);
      home = storeBlock();
    }
    const size_t size = output.sumSize, inner = output.sumInner, room = inner + 16;
    float* block = reinterpret_cast<float*>(arena_.take(2 * room * sizeof(float)));
    std::memset(block, 0, 2 * room * sizeof(float));
    sums_.push_back({{static_cast<float*>(output.data), size, inner, 0, 0, block, block + room}, home});
  }

  // Outputs that are operands, or that had to wait until an operand was read.
  void bindCopies() {
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const int source = fusion_->outputs[o].source;
      if (isWritten_[o] || isSum(fusion_->outputs[o])) continue;
      // Another output may lie where this one comes from.
      if (!isOperand(source) || registers_[source].ownsStrip || !isOverwritten(source)) continue;
      Register& r = registers_[source];
      bring(source, r.isBool);
      r.home = storeStrip();
      r.ownsStrip = true;
    }
    for (int o = 0; o < fusion_->numOutputs; o++) {
      const int source = fusion_->outputs[o].source;
      if (isWritten_[o] || isSum(fusion_->outputs[o])) continue;
      bring(source, registers_[source].isBool);
      emitOutput(o);
    }
  }

  // For the strips from element `start`; gives the number of elements for which that holds.
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

  // Fewer elements than a strip: what lies along arrays goes through strips that are filled up with zeros.
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
    char* strip = arena_.take(MAX_STRIP * sizeof(float));
    std::memcpy(strip, home.base + start * bytes, count * bytes);
    std::memset(strip + count * bytes, 0, (machine_->strip - count) * bytes);
    parts_.push_back({home.base, strip, bytes});
    return strip;
  }

  const Machine* machine_ = nullptr;
  const Fusion* fusion_ = nullptr;
  std::vector<Register> registers_;
  std::vector<Step> steps_, partSteps_;
  std::vector<Moving> along_, patterned_;
  std::vector<Pattern> patterns_;
  std::vector<Part> parts_;
  std::vector<Sum> sums_;
  std::vector<bool> isStreamed_, isWritten_;
  Arena arena_;
  size_t lead_ = 0;
  int numStreams_ = 0;
  int accumulator_ = NONE;  // the register that it holds
};

}  // namespace

void fused(const Machine& machine, const Fusion& fusion) {
  static thread_local Chain chain;
  chain.bind(machine, fusion);
  chain.run();
}

}  // namespace lockstep
