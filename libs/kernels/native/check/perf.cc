// Prints GFLOP/s of the contractions on one thread, best of many runs, beside OpenBLAS if it is installed.
// ./perf [avx2|avx512|neon] [part of a name] [megabytes]
// Reads the given number of megabytes before each run, which then finds its operands in memory or an outer cache.
#include <dlfcn.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <string>
#include <vector>

#include "../contractions.h"

using namespace lockstep;
// Memory that is aligned to cache lines, like the memory of programs.
template <typename T>
struct Lines {
  using value_type = T;
  T* allocate(size_t count) { return static_cast<T*>(std::aligned_alloc(64, (count * sizeof(T) / 64 + 1) * 64)); }
  void deallocate(T* data, size_t) { std::free(data); }
  bool operator==(const Lines&) const { return true; }
  bool operator!=(const Lines&) const { return false; }
};
using Floats = std::vector<float, Lines<float>>;
using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int, float, float*, int);

namespace {

Sgemm sgemm = nullptr;
const Contractions* table = nullptr;
const char* filter = "";
Floats others;

Floats values(size_t count) {
  Floats out(count);
  for (size_t i = 0; i < count; i++) out[i] = static_cast<float>(i * 7919 % 1000) * 0.001f - 0.5f;
  return out;
}

double now(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

long interruptions() {
  rusage usage;
  getrusage(RUSAGE_THREAD, &usage);
  return usage.ru_nivcsw;
}

void evict() {
  for (size_t i = 0; i < others.size(); i += 16) *static_cast<volatile float*>(&others[i]);
}

// The time of a run, or its processor time if another process took the processor meanwhile.
double seconds(const std::function<void()>& run) {
  evict();
  const long before = interruptions();
  const double start = now(CLOCK_MONOTONIC), startCpu = now(CLOCK_THREAD_CPUTIME_ID);
  run();
  const double wall = now(CLOCK_MONOTONIC) - start, cpu = now(CLOCK_THREAD_CPUTIME_ID) - startCpu;
  return interruptions() == before ? wall : cpu;
}

// Times both alternately and prints the best time of each.
void row(const std::string& name, double flop, const std::function<void()>& ours, const std::function<void()>& other) {
  if (name.find(filter) == std::string::npos) return;
  double best = 1e9, bestOther = 1e9, spent = 0;
  for (int i = 0; i < 5 || (spent < 0.25 && i < 2000); i++) {
    const double t = seconds(ours);
    spent += t;
    if (t < best) best = t;
    if (!other) continue;
    const double u = seconds(other);
    if (u < bestOther) bestOther = u;
  }
  printf("%-44s %9.1f us %7.1f GFLOP/s", name.c_str(), best * 1e6, flop / best * 1e-9);
  if (other) printf("   OpenBLAS %7.1f   ratio %.2f", flop / bestOther * 1e-9, bestOther / best);
  printf("\n");
}

void matmul(const char* what, int batch, int m, int n, int k, bool aT, bool bT) {
  const Floats a = values(size_t(batch) * m * k), b = values(size_t(batch) * k * n);
  Floats out(size_t(batch) * m * n);
  const MatmulShape shape = {batch, m, n, k, aT, bT, true, true};
  const std::string name = std::string(what) + " " + (batch > 1 ? std::to_string(batch) + " of " : "") +
                           std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) + (aT ? " T" : " N") +
                           (bT ? "T" : "N");
  const auto blas = [&] {
    for (int s = 0; s < batch; s++) {
      sgemm(101, aT ? 112 : 111, bT ? 112 : 111, m, n, k, 1, a.data() + size_t(s) * m * k, aT ? m : k,
            b.data() + size_t(s) * k * n, bT ? k : n, 0, out.data() + size_t(s) * m * n, n);
    }
  };
  row(name, 2.0 * batch * m * n * k, [&] { table->matmul(out.data(), a.data(), b.data(), shape); },
      sgemm ? std::function<void()>(blas) : nullptr);
}

void segments(int rows, int m, int n, const std::vector<int>& counts = {1, 8}) {
  const Floats a = values(size_t(rows) * m), b = values(size_t(rows) * n);
  Floats out(size_t(m) * n);
  for (const int count : counts) {
    const SegmentsShape shape = {count, rows / count, m, n};
    row("segments " + std::to_string(count) + " of " + std::to_string(rows / count) + ": " + std::to_string(m) + "x" +
            std::to_string(n),
        2.0 * rows * m * n, [&] { table->segmentedContraction(out.data(), a.data(), b.data(), shape); }, nullptr);
  }
}

void conv(int batch, int size, int in, int out, int kernel, int stride) {
  const int pad = kernel / 2, outSize = (size + 2 * pad - kernel) / stride + 1;
  const Conv2dShape shape = {batch, size, size, in, outSize, outSize, out, kernel, kernel, stride, stride, pad, pad, 0};
  Conv2dShape winograd = shape;
  winograd.isWinograd = 1;
  const Floats x = values(size_t(batch) * size * size * in), w = values(size_t(kernel) * kernel * in * out);
  const Floats dy = values(size_t(batch) * outSize * outSize * out);
  Floats y(dy.size()), dx(x.size()), dw(w.size());
  const double flop = 2.0 * kernel * kernel * in * out * outSize * outSize * batch;
  char name[100];
  snprintf(name, sizeof name, "%dx%d %d->%d %dx%d /%d batch %d ", kernel, kernel, in, out, size, size, stride, batch);
  const auto forward = [&] { table->conv2d(y.data(), x.data(), w.data(), shape); };
  const auto inputGrad = [&] { table->conv2dInputGrad(dx.data(), dy.data(), w.data(), shape); };
  row(std::string(name) + "forward", flop, forward, nullptr);
  row(std::string(name) + "input", flop, inputGrad, nullptr);
  if (kernel == 3 && stride == 1) {
    const auto tiles = [&] { table->conv2d(y.data(), x.data(), w.data(), winograd); };
    const auto tilesGrad = [&] { table->conv2dInputGrad(dx.data(), dy.data(), w.data(), winograd); };
    row(std::string(name) + "forward, tiles", flop, tiles, nullptr);
    row(std::string(name) + "input, tiles", flop, tilesGrad, nullptr);
    for (const int segments : {1, 8}) {
      row(std::string(name) + "kernel " + std::to_string(segments) + ", tiles", flop,
          [&] { table->conv2dKernelGrad(dw.data(), x.data(), dy.data(), winograd, segments, false); }, nullptr);
    }
  }
  for (const int segments : {1, 8}) {
    row(std::string(name) + "kernel " + std::to_string(segments), flop,
        [&] { table->conv2dKernelGrad(dw.data(), x.data(), dy.data(), shape, segments, false); }, nullptr);
  }
}

}  // namespace

int main(int count, char** args) {
  const std::string set = count > 1 ? args[1] : "";
  if (count > 2) filter = args[2];
  if (count > 3) others.assign(std::stoul(args[3]) << 18, 0);
#if defined(__x86_64__)
  table = set == "avx2" ? &avx2Contractions : &avx512Contractions;
#else
  table = &neonContractions;
#endif
  if (void* blas = dlopen("libopenblas.so.0", RTLD_NOW)) {
    sgemm = reinterpret_cast<Sgemm>(dlsym(blas, "cblas_sgemm"));
    if (void* threads = dlsym(blas, "openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(threads)(1);
  }
  for (const int n : {64, 128, 256, 512, 1024}) matmul("cube", 1, n, n, n, false, false);
  for (const int rows : {32, 128, 256, 1024}) {
    matmul("forward", 1, rows, 512, 784, false, false);
    matmul("forward", 1, rows, 256, 512, false, false);
    matmul("forward", 1, rows, 10, 256, false, false);
    matmul("dW", 1, 784, 512, rows, true, false);
    matmul("narrow", 1, 256, 1, rows, false, false);
    matmul("narrow", 1, rows, 32, 256, false, false);
    matmul("dW", 1, 256, 10, rows, true, false);
    matmul("dX", 1, rows, 784, 512, false, true);
    matmul("dX", 1, rows, 512, 256, false, true);
    matmul("dX", 1, rows, 256, 10, false, true);
  }
  matmul("wide", 1, 32, 4096, 1024, false, false);
  matmul("wide", 1, 64, 1024, 4096, false, false);
  for (const bool aT : {false, true}) {
    for (const bool bT : {false, true}) matmul("heads", 48, 128, 32, 128, aT, bT);
  }
  matmul("heads", 48, 128, 128, 32, false, true);
  for (const int rows : {32, 64, 128, 256, 1024}) segments(rows, 784, 512);
  for (const int rows : {32, 256}) segments(rows, 512, 256), segments(rows, 256, 10);
  // A transformer's step: 12 x 128 tokens of 128 features.
  for (const bool bT : {false, true}) {
    matmul("tokens", 1, 1536, 512, 128, false, bT);
    matmul("tokens", 1, 1536, 128, 512, false, bT);
    matmul("tokens", 1, 1536, 384, 128, false, bT);
    matmul("tokens", 1, 1536, 128, 128, false, bT);
  }
  for (const int n : {128, 384, 512}) segments(1536, 128, n, {4});
  segments(1536, 512, 128, {4});
  // Weights that are too large for any cache.
  matmul("large", 1, 128, 2800, 2800, false, false);
  matmul("large", 1, 128, 2800, 2800, false, true);
  segments(128, 2800, 2800, {8});
  matmul("vector", 1, 1, 10000, 1000, false, false);
  segments(1, 1000, 10000, {1});
  conv(64, 28, 1, 32, 3, 1);
  conv(64, 28, 32, 32, 3, 1);
  conv(64, 14, 32, 64, 3, 1);
  conv(32, 32, 3, 64, 3, 1);
  conv(32, 32, 64, 64, 3, 1);
  conv(32, 32, 64, 128, 3, 2);
  conv(32, 32, 64, 128, 1, 2);
  conv(32, 16, 128, 128, 3, 1);
  conv(32, 8, 256, 256, 3, 1);
  conv(32, 4, 512, 512, 3, 1);
  return 0;
}
