// Vectors of one instruction set. A source file defines LOCKSTEP_AVX512, LOCKSTEP_AVX2 or LOCKSTEP_NEON, sets the
// target and includes this file inside its own namespace, so that the same kernels are compiled for each set. Nothing here
// may have external linkage: the linker could choose one set's code for a machine that lacks the set.
//
// A vector has `width` floats. A tile of sums has v = 1 … tileVectors vectors of columns and tileRows[v] rows. The sizes that
// measured best leave registers for one row of b and one broadcast element of a. A tile of a tree over segments has
// treeRows[v] rows and holds the sums of treeSegments segments in registers. maxRows is the largest number of rows.

#if defined(LOCKSTEP_AVX512)

constexpr int width = 16, tileVectors = 3, maxRows = 8, treeSegments = 2;
constexpr int tileRows[] = {0, 6, 6, 6}, treeRows[] = {0, 4, 4, 4};
using Vec = __m512;

static inline Vec broadcast(float x) { return _mm512_set1_ps(x); }
static inline Vec madd(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
static inline void store(float* p, Vec x) { _mm512_storeu_ps(p, x); }
// Stores to memory past the caches; p is aligned to a vector.
static inline void storeFar(float* p, Vec x) { _mm512_stream_ps(p, x); }
static inline void endFarStores() { _mm_sfence(); }
// The first `count` lanes. A load gives zeros in the others; a store does not write them.
static inline __mmask16 firstLanes(size_t count) { return static_cast<__mmask16>((1u << count) - 1); }
static inline Vec loadPart(const float* p, size_t count) { return _mm512_maskz_loadu_ps(firstLanes(count), p); }
static inline void storePart(float* p, Vec x, size_t count) { _mm512_mask_storeu_ps(p, firstLanes(count), x); }
// The halves of a and b, interleaved: a0 b0 a1 b1 …
static inline Vec interleaveLow(Vec a, Vec b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b);
}
static inline Vec interleaveHigh(Vec a, Vec b) {
  return _mm512_permutex2var_ps(a, _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b);
}

#elif defined(LOCKSTEP_AVX2)

constexpr int width = 8, tileVectors = 3, maxRows = 8, treeSegments = 1;
constexpr int tileRows[] = {0, 8, 6, 4}, treeRows[] = {0, 8, 6, 4};
using Vec = __m256;

static inline Vec broadcast(float x) { return _mm256_set1_ps(x); }
static inline Vec madd(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
static inline void store(float* p, Vec x) { _mm256_storeu_ps(p, x); }
// Stores to memory past the caches; p is aligned to a vector.
static inline void storeFar(float* p, Vec x) { _mm256_stream_ps(p, x); }
static inline void endFarStores() { _mm_sfence(); }
// The first `count` lanes. A load gives zeros in the others; a store does not write them.
static inline __m256i firstLanes(size_t count) {
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline Vec loadPart(const float* p, size_t count) { return _mm256_maskload_ps(p, firstLanes(count)); }
static inline void storePart(float* p, Vec x, size_t count) { _mm256_maskstore_ps(p, firstLanes(count), x); }
// The halves of a and b, interleaved: a0 b0 a1 b1 …
static inline Vec interleaveLow(Vec a, Vec b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20);
}
static inline Vec interleaveHigh(Vec a, Vec b) {
  return _mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31);
}

#elif defined(LOCKSTEP_NEON)

constexpr int width = 4, tileVectors = 3, maxRows = 8, treeSegments = 2;
constexpr int tileRows[] = {0, 8, 8, 8}, treeRows[] = {0, 8, 4, 4};
using Vec = float32x4_t;

static inline Vec broadcast(float x) { return vdupq_n_f32(x); }
static inline Vec madd(Vec a, Vec b, Vec c) { return vfmaq_f32(c, a, b); }
static inline Vec load(const float* p) { return vld1q_f32(p); }
static inline void store(float* p, Vec x) { vst1q_f32(p, x); }
// NEON has no such store.
static inline void storeFar(float* p, Vec x) { store(p, x); }
static inline void endFarStores() {}
// The first `count` lanes. A load gives zeros in the others; a store does not write them.
static inline Vec loadPart(const float* p, size_t count) {
  float lanes[width] = {};
  for (size_t i = 0; i < count && i < width; i++) lanes[i] = p[i];
  return load(lanes);
}
static inline void storePart(float* p, Vec x, size_t count) {
  float lanes[width];
  store(lanes, x);
  for (size_t i = 0; i < count && i < width; i++) p[i] = lanes[i];
}
// The halves of a and b, interleaved: a0 b0 a1 b1 …
static inline Vec interleaveLow(Vec a, Vec b) { return vzip1q_f32(a, b); }
static inline Vec interleaveHigh(Vec a, Vec b) { return vzip2q_f32(a, b); }

#endif
