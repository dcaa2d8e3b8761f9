// Compares the contractions of every instruction set that this machine has, bit by bit, with loops that follow the
// specification literally. Prints `N passed, N failed`; the exit status is 1 if any failed.
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "../contractions.h"

using namespace lockstep;
using Floats = std::vector<float>;

namespace {

int passed = 0, failed = 0;
std::mt19937 randomBits(7);

int between(int low, int high) { return low + static_cast<int>(randomBits() % static_cast<unsigned>(high - low + 1)); }

Floats randomFloats(size_t count) {
  Floats out(count);
  for (float& x : out) x = static_cast<float>(static_cast<int>(randomBits() >> 7) - (1 << 24)) * 0x1p-24f;
  return out;
}

// Puts in a few infinities, NaN, negative zeros and values whose products underflow, so that a missing or extra term shows.
void spoil(Floats& x) {
  const float values[] = {INFINITY, -INFINITY, NAN, -0.0f, 1e-42f, 3e38f, 1e-30f, -1e-30f};
  for (int i = between(0, 12); i > 0 && !x.empty(); i--) x[randomBits() % x.size()] = values[randomBits() % 8];
}

bool sameBits(const Floats& a, const Floats& b) {
  for (size_t i = 0; i < a.size(); i++) {
    if (memcmp(&a[i], &b[i], sizeof(float)) != 0 && !(std::isnan(a[i]) && std::isnan(b[i]))) return false;
  }
  return a.size() == b.size();
}

// Runs `kernel` into a buffer of the size of `expected`, at the start of a cache line, with guards on both sides.
void check(const std::string& name, const Floats& expected, const std::function<void(float*)>& kernel) {
  const size_t guard = 64;
  Floats out(expected.size() + 2 * guard, 12345.0f);
  const size_t start = guard - reinterpret_cast<uintptr_t>(out.data()) / sizeof(float) % 16;
  const size_t end = start + expected.size();
  kernel(out.data() + start);
  bool guarded = true;
  for (size_t i = 0; i < start; i++) guarded &= out[i] == 12345.0f;
  for (size_t i = end; i < out.size(); i++) guarded &= out[i] == 12345.0f;
  const Floats inner(out.begin() + start, out.begin() + end);
  if (guarded && sameBits(expected, inner)) {
    passed++;
    return;
  }
  failed++;
  printf("%s: %s\n", name.c_str(), guarded ? "other bits" : "wrote outside its output");
}

float treeSum(const Floats& x, size_t from, size_t count) {
  return count == 1 ? x[from] : treeSum(x, from, count / 2) + treeSum(x, from + count / 2, count / 2);
}

Floats naiveMatmul(const Floats& a, const Floats& b, const MatmulShape& s) {
  Floats out;
  for (int t = 0; t < s.batch; t++) {
    const size_t aStart = s.batchA ? size_t(t) * s.m * s.k : 0, bStart = s.batchB ? size_t(t) * s.k * s.n : 0;
    for (int i = 0; i < s.m; i++) {
      for (int j = 0; j < s.n; j++) {
        float sum = 0;
        for (int p = 0; p < s.k; p++) {
          sum = std::fma(a[aStart + (s.transposeA ? size_t(p) * s.m + i : size_t(i) * s.k + p)],
                         b[bStart + (s.transposeB ? size_t(j) * s.k + p : size_t(p) * s.n + j)], sum);
        }
        out.push_back(sum);
      }
    }
  }
  return out;
}

Floats naiveSegments(const Floats& a, const Floats& b, const SegmentsShape& s) {
  Floats out, sums(s.segments);
  for (int i = 0; i < s.m; i++) {
    for (int j = 0; j < s.n; j++) {
      for (int t = 0; t < s.segments; t++) {
        sums[t] = 0;
        for (int r = t * s.rows; r < (t + 1) * s.rows; r++) {
          sums[t] = std::fma(a[size_t(r) * s.m + i], b[size_t(r) * s.n + j], sums[t]);
        }
      }
      out.push_back(treeSum(sums, 0, sums.size()));
    }
  }
  return out;
}

// data[image, y, x, c], or zero outside the image.
float pixel(const Floats& data, int height, int width, int channels, int image, int y, int x, int c) {
  if (y < 0 || y >= height || x < 0 || x >= width) return 0;
  return data[((size_t(image) * height + y) * width + x) * channels + c];
}

Floats naiveConv(const Floats& x, const Floats& kernel, const Conv2dShape& s) {
  Floats out;
  for (int image = 0; image < s.batch; image++) {
    for (int oy = 0; oy < s.outHeight; oy++) {
      for (int ox = 0; ox < s.outWidth; ox++) {
        for (int o = 0; o < s.outChannels; o++) {
          float sum = 0;
          size_t tap = o;
          for (int ky = 0; ky < s.kernelHeight; ky++) {
            for (int kx = 0; kx < s.kernelWidth; kx++) {
              for (int c = 0; c < s.inChannels; c++, tap += s.outChannels) {
                sum = std::fma(pixel(x, s.height, s.width, s.inChannels, image, oy * s.strideY + ky - s.padTop,
                                     ox * s.strideX + kx - s.padLeft, c),
                               kernel[tap], sum);
              }
            }
          }
          out.push_back(sum);
        }
      }
    }
  }
  return out;
}

Floats naiveInputGrad(const Floats& dy, const Floats& kernel, const Conv2dShape& s) {
  Floats out;
  for (int image = 0; image < s.batch; image++) {
    for (int y = 0; y < s.height; y++) {
      for (int x = 0; x < s.width; x++) {
        for (int c = 0; c < s.inChannels; c++) {
          float sum = 0;
          for (int ky = 0; ky < s.kernelHeight; ky++) {
            for (int kx = 0; kx < s.kernelWidth; kx++) {
              const int oy = y + s.padTop - ky, ox = x + s.padLeft - kx;
              if (oy % s.strideY != 0 || ox % s.strideX != 0) continue;
              const size_t tap = (size_t(ky * s.kernelWidth + kx) * s.inChannels + c) * s.outChannels;
              for (int o = 0; o < s.outChannels; o++) {
                sum = std::fma(
                    pixel(dy, s.outHeight, s.outWidth, s.outChannels, image, oy / s.strideY, ox / s.strideX, o),
                    kernel[tap + o], sum);
              }
            }
          }
          out.push_back(sum);
        }
      }
    }
  }
  return out;
}

using Matrix = std::vector<Floats>;

// Applies a transform of vectors to the columns, then to the rows.
Matrix onBothAxes(const Matrix& m, const std::function<Floats(const Floats&)>& transform) {
  const auto turn = [](const Matrix& m) {
    Matrix out(m[0].size(), Floats(m.size()));
    for (size_t i = 0; i < m.size(); i++) {
      for (size_t j = 0; j < m[0].size(); j++) out[j][i] = m[i][j];
    }
    return out;
  };
  const auto each = [&](Matrix m) {
    for (Floats& row : m) row = transform(row);
    return m;
  };
  return each(turn(each(turn(m))));
}

Matrix winogradTaps(const Matrix& g) {
  return onBothAxes(g, [](const Floats& g) -> Floats {
    const float ends = g[0] + g[2];
    return {g[0], (ends + g[1]) * 0.5f, (ends - g[1]) * 0.5f, g[2]};
  });
}

Matrix winogradPatch(const Matrix& d) {
  return onBothAxes(d, [](const Floats& d) -> Floats { return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]}; });
}

Matrix winogradSums(const Matrix& m) {
  return onBothAxes(m, [](const Floats& m) -> Floats { return {(m[0] + m[1]) + m[2], (m[1] - m[2]) - m[3]}; });
}

// The convolution with kernel[3, 3, in, out] and stride 1.
Floats naiveWinograd(const Floats& x, const Floats& kernel, const Conv2dShape& s) {
  Floats out(size_t(s.batch) * s.outHeight * s.outWidth * s.outChannels);
  std::vector<Matrix> u;
  for (int i = 0; i < s.inChannels * s.outChannels; i++) {
    Matrix g(3, Floats(3));
    for (int tap = 0; tap < 9; tap++) g[tap / 3][tap % 3] = kernel[size_t(tap) * s.inChannels * s.outChannels + i];
    u.push_back(winogradTaps(g));
  }
  for (int tile = 0; tile < s.batch * ((s.outHeight + 1) / 2) * ((s.outWidth + 1) / 2); tile++) {
    const int across = (s.outWidth + 1) / 2, down = (s.outHeight + 1) / 2;
    const int image = tile / (across * down), top = tile / across % down * 2, left = tile % across * 2;
    std::vector<Matrix> v;
    for (int c = 0; c < s.inChannels; c++) {
      Matrix d(4, Floats(4));
      for (int i = 0; i < 16; i++) {
        d[i / 4][i % 4] =
            pixel(x, s.height, s.width, s.inChannels, image, top + i / 4 - s.padTop, left + i % 4 - s.padLeft, c);
      }
      v.push_back(winogradPatch(d));
    }
    for (int o = 0; o < s.outChannels; o++) {
      Matrix m(4, Floats(4, 0));
      for (int c = 0; c < s.inChannels; c++) {
        for (int i = 0; i < 16; i++) {
          float& sum = m[i / 4][i % 4];
          sum = std::fma(v[c][i / 4][i % 4], u[size_t(c) * s.outChannels + o][i / 4][i % 4], sum);
        }
      }
      const Matrix y = winogradSums(m);
      for (int i = 0; i < 4; i++) {
        const int oy = top + i / 2, ox = left + i % 2;
        if (oy >= s.outHeight || ox >= s.outWidth) continue;
        out[((size_t(image) * s.outHeight + oy) * s.outWidth + ox) * s.outChannels + o] = y[i / 2][i % 2];
      }
    }
  }
  return out;
}

// The convolution of dy with reversed taps and exchanged channels.
Floats naiveWinogradInputGrad(const Floats& dy, const Floats& kernel, const Conv2dShape& s) {
  Floats turned(kernel.size());
  for (int tap = 0; tap < 9; tap++) {
    for (int c = 0; c < s.inChannels; c++) {
      for (int o = 0; o < s.outChannels; o++) {
        turned[(size_t(8 - tap) * s.outChannels + o) * s.inChannels + c] =
            kernel[(size_t(tap) * s.inChannels + c) * s.outChannels + o];
      }
    }
  }
  return naiveWinograd(dy, turned, {s.batch, s.outHeight, s.outWidth, s.outChannels, s.height, s.width, s.inChannels,
                                    3, 3, 1, 1, 2 - s.padTop, 2 - s.padLeft, 1});
}

Floats naiveKernelGrad(const Floats& x, const Floats& dy, const Conv2dShape& s, int segments, bool stack) {
  const int images = s.batch / segments;
  const size_t size = size_t(s.kernelHeight) * s.kernelWidth * s.inChannels * s.outChannels;
  Floats out(stack ? size * segments : size), sums(segments);
  for (size_t i = 0; i < size; i++) {
    const int o = static_cast<int>(i % s.outChannels), c = static_cast<int>(i / s.outChannels % s.inChannels);
    const int tap = static_cast<int>(i / s.outChannels / s.inChannels);
    for (int t = 0; t < segments; t++) {
      sums[t] = 0;
      for (int image = t * images; image < (t + 1) * images; image++) {
        for (int oy = 0; oy < s.outHeight; oy++) {
          for (int ox = 0; ox < s.outWidth; ox++) {
            sums[t] = std::fma(pixel(x, s.height, s.width, s.inChannels, image,
                                     oy * s.strideY + tap / s.kernelWidth - s.padTop,
                                     ox * s.strideX + tap % s.kernelWidth - s.padLeft, c),
                               pixel(dy, s.outHeight, s.outWidth, s.outChannels, image, oy, ox, o), sums[t]);
          }
        }
      }
      if (stack) out[t * size + i] = sums[t];
    }
    if (!stack) out[i] = treeSum(sums, 0, sums.size());
  }
  return out;
}

// The taps of one segment's images.
Matrix winogradGrads(const Floats& x, const Floats& dy, const Conv2dShape& s, int first, int images, int c, int o) {
  Matrix sums(4, Floats(4, 0));
  for (int image = first; image < first + images; image++) {
    for (int top = 0; top < s.outHeight; top += 2) {
      for (int left = 0; left < s.outWidth; left += 2) {
        Matrix d(4, Floats(4)), g(2, Floats(2));
        for (int i = 0; i < 16; i++) {
          d[i / 4][i % 4] =
              pixel(x, s.height, s.width, s.inChannels, image, top + i / 4 - s.padTop, left + i % 4 - s.padLeft, c);
        }
        for (int i = 0; i < 4; i++) {
          g[i / 2][i % 2] = pixel(dy, s.outHeight, s.outWidth, s.outChannels, image, top + i / 2, left + i % 2, o);
        }
        const Matrix v = winogradPatch(d), z = onBothAxes(g, [](const Floats& g) -> Floats {
          return {g[0], g[0] + g[1], g[0] - g[1], -g[1]};
        });
        for (int i = 0; i < 16; i++) {
          float& sum = sums[i / 4][i % 4];
          sum = std::fma(v[i / 4][i % 4], z[i / 4][i % 4], sum);
        }
      }
    }
  }
  return onBothAxes(sums, [](const Floats& s) -> Floats {
    const float h = (s[1] + s[2]) * 0.5f;
    return {s[0] + h, (s[1] - s[2]) * 0.5f, h + s[3]};
  });
}

Floats naiveWinogradKernelGrad(const Floats& x, const Floats& dy, const Conv2dShape& s, int segments, bool stack) {
  const size_t size = size_t(9) * s.inChannels * s.outChannels;
  Floats out(stack ? size * segments : size), sums(segments);
  for (int c = 0; c < s.inChannels; c++) {
    for (int o = 0; o < s.outChannels; o++) {
      std::vector<Matrix> taps;
      for (int t = 0; t < segments; t++) {
        taps.push_back(winogradGrads(x, dy, s, t * (s.batch / segments), s.batch / segments, c, o));
      }
      for (int tap = 0; tap < 9; tap++) {
        const size_t i = (size_t(tap) * s.inChannels + c) * s.outChannels + o;
        for (int t = 0; t < segments; t++) {
          sums[t] = taps[t][tap / 3][tap % 3];
          if (stack) out[t * size + i] = sums[t];
        }
        if (!stack) out[i] = treeSum(sums, 0, sums.size());
      }
    }
  }
  return out;
}

struct Set {
  const char* name;
  const Contractions* table;
};
std::vector<Set> sets;

void checkMatmul(const MatmulShape& s, bool special) {
  Floats a = randomFloats(size_t(s.batchA ? s.batch : 1) * s.m * s.k);
  Floats b = randomFloats(size_t(s.batchB ? s.batch : 1) * s.k * s.n);
  if (special) spoil(a), spoil(b);
  const Floats expected = naiveMatmul(a, b, s);
  for (const Set& set : sets) {
    char name[200];
    snprintf(name, sizeof name, "%s matmul batch %d m %d n %d k %d%s%s%s%s", set.name, s.batch, s.m, s.n, s.k,
             s.transposeA ? " aT" : "", s.transposeB ? " bT" : "", s.batchA ? "" : " one a", s.batchB ? "" : " one b");
    check(name, expected, [&](float* out) { set.table->matmul(out, a.data(), b.data(), s); });
  }
}

void checkSegments(const SegmentsShape& s, bool special) {
  Floats a = randomFloats(size_t(s.segments) * s.rows * s.m), b = randomFloats(size_t(s.segments) * s.rows * s.n);
  if (special) spoil(a), spoil(b);
  const Floats expected = naiveSegments(a, b, s);
  for (const Set& set : sets) {
    char name[200];
    snprintf(name, sizeof name, "%s segments %d x %d m %d n %d", set.name, s.segments, s.rows, s.m, s.n);
    check(name, expected, [&](float* out) { set.table->segmentedContraction(out, a.data(), b.data(), s); });
  }
}

void checkConv(const Conv2dShape& s, int segments, bool special) {
  Floats x = randomFloats(size_t(s.batch) * s.height * s.width * s.inChannels);
  Floats kernel = randomFloats(size_t(s.kernelHeight) * s.kernelWidth * s.inChannels * s.outChannels);
  Floats dy = randomFloats(size_t(s.batch) * s.outHeight * s.outWidth * s.outChannels);
  if (special) spoil(x), spoil(kernel), spoil(dy);
  const Floats y = s.isWinograd ? naiveWinograd(x, kernel, s) : naiveConv(x, kernel, s);
  const Floats dx = s.isWinograd ? naiveWinogradInputGrad(dy, kernel, s) : naiveInputGrad(dy, kernel, s);
  const auto kernelGrad = s.isWinograd ? naiveWinogradKernelGrad : naiveKernelGrad;
  const Floats tree = kernelGrad(x, dy, s, segments, false), stack = kernelGrad(x, dy, s, segments, true);
  for (const Set& set : sets) {
    char text[200];
    snprintf(text, sizeof text, "%s %d x %dx%dx%d kernel %dx%d to %dx%dx%d stride %d %d pad %d %d segments %d",
             s.isWinograd ? " winograd" : "", s.batch, s.height, s.width, s.inChannels, s.kernelHeight, s.kernelWidth, s.outHeight, s.outWidth, s.outChannels,
             s.strideY, s.strideX, s.padTop, s.padLeft, segments);
    const std::string name = set.name + std::string(text);
    const Contractions& table = *set.table;
    check(name + " conv2d", y, [&](float* out) { table.conv2d(out, x.data(), kernel.data(), s); });
    check(name + " inputGrad", dx, [&](float* out) { table.conv2dInputGrad(out, dy.data(), kernel.data(), s); });
    for (const bool isStack : {false, true}) {
      check(name + (isStack ? " kernelGrad stack" : " kernelGrad tree"), isStack ? stack : tree, [&](float* out) {
        table.conv2dKernelGrad(out, x.data(), dy.data(), s, segments, isStack);
      });
    }
  }
}

Conv2dShape convShape(int batch, int size, int in, int out, int kernel, int stride, int pad) {
  const int outSize = (size + 2 * pad - kernel) / stride + 1;
  return {batch, size, size, in, outSize, outSize, out, kernel, kernel, stride, stride, pad, pad, 0};
}

Conv2dShape randomConv() {
  Conv2dShape s;
  s.batch = 8 * between(1, 2);
  s.height = between(1, 9), s.width = between(1, 9);
  s.kernelHeight = between(1, 5), s.kernelWidth = between(1, 5);
  s.strideY = between(1, 3), s.strideX = between(1, 3);
  s.padTop = between(0, s.kernelHeight), s.padLeft = between(0, s.kernelWidth);
  s.outHeight = (s.height + s.padTop + between(0, 2)) / s.strideY + 1;
  s.outWidth = (s.width + s.padLeft + between(0, 2)) / s.strideX + 1;
  s.inChannels = between(1, 20), s.outChannels = between(1, 70);
  s.isWinograd = 0;
  return s;
}

Conv2dShape byWinograd(Conv2dShape s) {
  s.kernelHeight = s.kernelWidth = 3, s.strideY = s.strideX = 1, s.isWinograd = 1;
  s.padTop = between(0, 4), s.padLeft = between(0, 4);
  s.outHeight = between(1, 9), s.outWidth = between(1, 9);
  return s;
}

}  // namespace

int main() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) sets.push_back({"avx2", &avx2Contractions});
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
      __builtin_cpu_supports("avx512bw")) {
    sets.push_back({"avx512", &avx512Contractions});
  }
#elif defined(__aarch64__)
  sets.push_back({"neon", &neonContractions});
#endif
  for (int n = 1; n <= 70; n++) {
    checkMatmul({1, n, 71 - n, n * 7 % 71, n % 2 == 0, n % 4 >= 2, true, true}, false);
    checkSegments({1 << n % 5, n % 9, 71 - n, n}, false);
  }
  for (int i = 0; i < 200; i++) {
    const bool special = i % 2 == 0;
    checkMatmul({between(1, 3), between(1, 80), between(1, 120), between(0, 90), i % 2 == 0, i % 4 >= 2, i % 8 >= 4,
                 i % 16 >= 8},
                special);
    checkSegments({1 << between(0, 4), between(1, 12), between(1, 40), between(1, 110)}, special);
    checkConv(randomConv(), 1 << between(0, 3), special);
    checkConv(byWinograd(randomConv()), 1 << between(0, 3), special);
  }
  // More than a block of terms, more than a block of rows, more than the cache holds.
  for (int i = 0; i < 4; i++) checkMatmul({1, 1040, 50, 700, i % 2 == 0, i >= 2, true, true}, false);
  checkSegments({8, 512, 9, 67}, false);
  checkSegments({4, 700, 17, 30}, false);
  // Packed rows, in one block and in several; few rows and a large b.
  for (const int m : {6, 7, 61, 100, 300}) {
    checkMatmul({1, m, 270, 600, true, m % 2 == 0, true, true}, false);
    checkSegments({4, 5, m, 270}, false);
  }
  checkSegments({8, 256, 300, 260}, false);
  checkSegments({4, 700, 17, 300}, false);
  for (const int m : {1, 3}) checkMatmul({1, m, 5000, 100, false, false, true, true}, false);
  // Outputs that are stored past the caches.
  checkMatmul({1, 2050, 2064, 3, true, false, true, true}, false);
  checkMatmul({1, 2050, 2064, 3, false, true, true, true}, false);
  checkSegments({4, 1, 2050, 2064}, false);
  checkSegments({1, 2, 2050, 2064}, false);
  checkConv(convShape(8, 20, 5, 33, 3, 1, 1), 4, false);
  checkConv(convShape(8, 33, 3, 20, 3, 2, 1), 2, false);
  checkConv(convShape(2, 40, 100, 17, 3, 1, 1), 1, false);
  checkConv(convShape(8, 8, 64, 24, 1, 2, 0), 8, false);
  checkConv(convShape(8, 12, 7, 50, 5, 1, 2), 8, false);
  checkConv(convShape(1, 5, 48, 1, 3, 2, 1), 1, false);
  // Several blocks of tiles, several panels, more than a block of terms.
  for (Conv2dShape s : {convShape(8, 20, 30, 33, 3, 1, 1), convShape(2, 9, 130, 70, 3, 1, 1),
                        convShape(8, 5, 520, 40, 3, 1, 2), convShape(1, 7, 40, 600, 3, 1, 0)}) {
    s.isWinograd = 1;
    checkConv(s, s.batch, false);
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed > 0 ? 1 : 0;
}
