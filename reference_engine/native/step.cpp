// One forward pass of a Llama over the KV pool: one call a step, threads that are kept, weights packed once.
//
// How numbers lie. Sixteen rows of a step are a *group*; what is computed for them lies feature by feature, the sixteen
// rows side by side in one vector: [group][feature][16]. So a norm, a residual and an activation need no transposition,
// and a linear layer is (weights of 16 outputs) x (a panel of 16 rows). Panels are what linear layers read: bfloat16 in
// pairs or 16-bit integers in two bytes for AMX, float32 for every other processor.
//
// Weights are bfloat16, or 8-bit integers with a scale for each output. In float32 stay: what the layers add up to, the
// norms, queries, scores and shares. Sources: `readable.py`, which is the same pass in PyTorch; Intel's Software
// Developer's Manual for TDPBF16PS and TDPBSSD; Milakov and Gimelshein (arXiv 1805.02867) for the softmax in pieces.

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <thread>
#include <vector>

#ifdef __AMX_BF16__
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

extern "C" {

// The C++ side of `binding.py`: the same fields in the same order.
struct NativeShape {
    int32_t num_layers, hidden, num_heads, num_kv_heads, head_dim, inner, vocabulary, num_threads;
    int32_t weight_bits;     // 16 or 8
    int32_t sliding_window;  // 0: no layer slides
    float norm_epsilon, query_scale;
};
struct NativeLayer {  // bfloat16 matrices (out, in); float32 vectors, null where the family has none
    const uint16_t *query, *key, *value, *output, *gate, *up, *down;
    const float *attention_norm, *mlp_norm, *query_norm, *key_norm;
    const float *query_bias, *key_bias, *value_bias, *output_bias;
    int32_t is_sliding;
};
struct NativeWeights {
    const uint16_t *embedding, *output;  // (vocabulary, hidden); the embedding is read at every step
    const float *final_norm, *frequencies;  // (hidden,), (head_dim / 2,)
    const NativeLayer *layers;
};
struct NativeBatch {
    int32_t num_rows, num_outputs, extent;
    const int64_t *tokens, *positions, *slots, *slot_positions, *outputs;
    const uint8_t *visible;  // (rows, extent)
    uint16_t *entries;       // (layers, slots, 2 * kv_heads, head_dim) bfloat16
    int64_t layer_stride;    // numbers of the pool from one layer to the next
    float *logits;           // (outputs, vocabulary)
};
}

namespace {

constexpr int GROUP = 16;  // rows side by side; also the outputs of one tile of weights
constexpr int SLOTS = 32;  // a block of slots: their scores are taken together
constexpr int STRETCH = 16;  // blocks between two looks at the largest score
constexpr int PAIR = 2 * GROUP;  // outputs whose weights are read together
constexpr int AHEAD = 8;   // blocks of 2,048 bytes of weights that are fetched before they are needed; measured
constexpr size_t HUGE_PAGE = 2 << 20;

typedef float Vec __attribute__((vector_size(64)));
typedef int32_t Ints __attribute__((vector_size(64)));
typedef uint32_t Words __attribute__((vector_size(64)));
typedef uint16_t Halves __attribute__((vector_size(32)));
typedef int8_t Bytes __attribute__((vector_size(16)));
#define INLINE inline __attribute__((always_inline))

template <class T, class P>
INLINE T load(const P *from) {
    T value;
    std::memcpy(&value, from, sizeof value);
    return value;
}
INLINE Vec splat(float value) { return Vec{} + value; }
INLINE Vec widened(const uint16_t *from) {
    return (Vec)(__builtin_convertvector(load<Halves>(from), Words) << 16);
}
INLINE float widened(uint16_t value) {
    uint32_t bits = uint32_t(value) << 16;
    return load<float>(&bits);
}
INLINE Words rounded(Vec value) {  // to bfloat16, nearest even, in the upper half; what is no number stays none
    Words bits = (Words)value, even = bits + 0x7fff + (bits >> 16 & 1);
    return (Words)(value == value ? (Ints)even : (Ints)(bits | 0x400000));
}
INLINE Halves narrowed(Vec value) {
#ifdef __AVX512BF16__
    return (Halves)_mm512_cvtneps_pbh((__m512)value);
#else
    return __builtin_convertvector(rounded(value) >> 16, Halves);
#endif
}
constexpr Vec PLACES = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
INLINE Vec larger(Vec a, Vec b) { return a < b ? b : a; }
INLINE float sum(Vec value) {
    typedef float Eight __attribute__((vector_size(32)));
    typedef float Four __attribute__((vector_size(16)));
    const float *part = reinterpret_cast<const float *>(&value);
    Eight eight = load<Eight>(part) + load<Eight>(part + 8);
    part = reinterpret_cast<const float *>(&eight);
    Four four = load<Four>(part) + load<Four>(part + 4);
    return (four[0] + four[2]) + (four[1] + four[3]);
}
INLINE float largest_of(Vec value) {
    for (int half = 8; half; half /= 2)
        for (int lane = 0; lane < half; ++lane) value[lane] = value[lane] < value[lane + half] ? value[lane + half] : value[lane];
    return value[0];
}
// Which numbers of two vectors come first in 1, 2, 4 or 8 of every 2, 4, 8 or 16 places.
constexpr Ints LOW1 = {0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30};
constexpr Ints LOW2 = {0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29};
constexpr Ints LOW4 = {0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27};
constexpr Ints LOW8 = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
// Of 16 vectors the sum of each, or the largest number, in its place. Spoils them.
template <class Unite>
INLINE Vec across(Vec *v, Unite unite) {
#define HALVE(count, low)           \
    for (int i = 0; i < count; ++i) \
        v[i] = unite(__builtin_shuffle(v[i], v[i + count], low), __builtin_shuffle(v[i], v[i + count], low + count))
    HALVE(8, LOW8);
    HALVE(4, LOW4);
    HALVE(2, LOW2);
    HALVE(1, LOW1);
#undef HALVE
    return v[0];
}
INLINE void transpose(Vec *v) {  // 16 x 16, in place
#define SWAP(step, low)                                             \
    for (int i = 0; i < GROUP; ++i)                                 \
        if (!(i & step)) {                                          \
            Vec first = v[i], second = v[i + step];                 \
            v[i] = __builtin_shuffle(first, second, low);           \
            v[i + step] = __builtin_shuffle(first, second, low + step); \
        }
    SWAP(1, LOW1)
    SWAP(2, LOW2)
    SWAP(4, LOW4)
    SWAP(8, LOW8)
#undef SWAP
}
INLINE Vec sums_of(Vec *v) {
    return across(v, [](Vec a, Vec b) __attribute__((always_inline)) { return a + b; });
}

// e^x with a relative error below 2e-7: 2^n times a polynomial. Source: Moshier, Cephes, expf.
INLINE Vec exponential(Vec x) {
    x = x < -60.0f ? splat(-60.0f) : x;  // nothing beside 1; smaller ones have parts that processors take long over
    x = x > 88.0f ? splat(88.0f) : x;
    Vec shifted = x * 1.44269504f + 12582912.0f;  // 1.5 * 2^23: rounds to an integer in the low bits
    Vec whole = shifted - 12582912.0f;
    Vec rest = x - whole * 0.693359375f + whole * 2.12194440e-4f;
    Vec value = splat(1.9875691500e-4f);
    value = value * rest + 1.3981999507e-3f;
    value = value * rest + 8.3334519073e-3f;
    value = value * rest + 4.1665795894e-2f;
    value = value * rest + 1.6666665459e-1f;
    value = value * rest + 5.0000001201e-1f;
    value = value * rest * rest + rest + 1.0f;
    Ints power = (__builtin_convertvector(whole, Ints) + 127) << 23;
    return value * (Vec)power;
}

// Memory that is aligned, of huge pages where it is large, and zero.
template <class T>
class Buffer {
   public:
    explicit Buffer(size_t count = 0) { reserve(count); }
    T *data() const { return data_.get(); }
    T &operator[](size_t index) const { return data_.get()[index]; }
    void reserve(size_t count) {
        if (count <= count_) return;
        size_t size = count * sizeof(T), unit = size >= HUGE_PAGE ? HUGE_PAGE : 64;
        size = (size + unit - 1) / unit * unit;
        void *memory = std::aligned_alloc(unit, size);
        if (!memory) throw std::bad_alloc();
        if (unit == HUGE_PAGE) madvise(memory, size, MADV_HUGEPAGE);
        std::memset(memory, 0, size);
        data_.reset(static_cast<T *>(memory));
        count_ = count;
    }

   private:
    struct Free {
        void operator()(void *memory) const { std::free(memory); }
    };
    std::unique_ptr<T, Free> data_;
    size_t count_ = 0;
};

// Threads that are kept. The caller is one of them; the others wait awake for a while, then asleep.
class Team {
   public:
    explicit Team(int size) : size(size) {
        for (int thread = 1; thread < size; ++thread) workers_.emplace_back([this, thread] { work(thread); });
    }
    ~Team() {
        stops_ = true;
        start();
        for (auto &worker : workers_) worker.join();
    }
    template <class Task>
    void run(Task &task) {
        call_ = [](void *what, int thread) { (*static_cast<Task *>(what))(thread); };
        task_ = &task;
        start();
        task(0);
        barrier();
    }
    void barrier() {
        if (size == 1) return;
        uint32_t phase = phase_.load(std::memory_order_relaxed);
        if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
            arrived_.store(0, std::memory_order_relaxed);
            phase_.store(phase + 1, std::memory_order_release);
            return;
        }
        for (int spins = 0; phase_.load(std::memory_order_acquire) == phase; ++spins) rest(spins);
    }
    const int size;

   private:
    static constexpr int AWAKE = 20000;  // spins, about a millisecond: the Python of a step takes less
    static void rest(int spins) {
        if (spins > AWAKE) std::this_thread::yield();
        __builtin_ia32_pause();
    }
    void start() {
        std::lock_guard<std::mutex> lock(mutex_);
        started_.fetch_add(1, std::memory_order_release);
        sleep_.notify_all();
    }
    void work(int thread) {
        for (uint32_t seen = 0;; ++seen) {
            for (int spins = 0; started_.load(std::memory_order_acquire) == seen; ++spins)
                if (spins > AWAKE) {
                    std::unique_lock<std::mutex> lock(mutex_);
                    sleep_.wait(lock, [&] { return started_.load(std::memory_order_acquire) != seen; });
                } else {
                    __builtin_ia32_pause();
                }
            if (stops_) return;
            call_(task_, thread);
            barrier();
        }
    }
    std::vector<std::thread> workers_;
    std::mutex mutex_;
    std::condition_variable sleep_;
    std::atomic<uint32_t> started_{0};
    alignas(64) std::atomic<int> arrived_{0};
    alignas(64) std::atomic<uint32_t> phase_{0};
    void (*call_)(void *, int) = nullptr;
    void *task_ = nullptr;
    bool stops_ = false;
};

struct Range {
    int begin, end;
};
INLINE Range share(int count, int thread, int size) {
    return {int(int64_t(count) * thread / size), int(int64_t(count) * (thread + 1) / size)};
}

// Units of work, piece of work by piece of work; between two pieces lies a barrier. Each thread has a share of a piece, and
// whoever is done takes from the end of another's: threads are never equally fast on a machine that others use too.
class Shares {
   public:
    // The first piece has so many units.
    Shares(int size, int units) : shares_(size) {
        for (int thread = 0; thread < size; ++thread) shares_[thread].left[0] = packed(share(units, thread, size));
    }
    // Begin a piece, and give this thread its share of the one after it.
    void begin(int thread, Range following) {
        Share &own = shares_[thread];
        own.left[++own.begun & 1].store(packed(following), std::memory_order_relaxed);
    }
    // Return a unit of the piece that this thread has begun; -1 if none is left.
    int take(int thread) {
        int size = int(shares_.size()), piece = (shares_[thread].begun + 1) & 1;
        for (int other = 0; other < size; ++other) {
            std::atomic<uint64_t> &left = shares_[(thread + other) % size].left[piece];
            uint64_t found = left.load(std::memory_order_relaxed);
            for (int begin, end; begin = int(found >> 32), end = int(uint32_t(found)), begin < end;) {
                Range rest = other ? Range{begin, end - 1} : Range{begin + 1, end};
                if (left.compare_exchange_weak(found, packed(rest), std::memory_order_relaxed))
                    return other ? end - 1 : begin;
            }
        }
        return -1;
    }

   private:
    struct alignas(64) Share {
        std::atomic<uint64_t> left[2] = {};  // begin and end, of pieces with an even and with an odd number
        unsigned begun = 0;
    };
    static uint64_t packed(Range range) { return uint64_t(range.begin) << 32 | uint32_t(range.end); }
    std::vector<Share> shares_;
};

#ifdef __AMX_BF16__
constexpr bool HAS_AMX = true;
bool allow_tiles() {  // Linux gives a process tiles only if it asks: ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}
void configure_tiles() {
    struct alignas(64) {
        uint8_t palette = 1, start_row = 0, reserved[14] = {};
        uint16_t columns[16] = {};
        uint8_t rows[16] = {};
    } config;
    std::fill(config.columns, config.columns + 8, 64);
    std::fill(config.rows, config.rows + 8, 16);
    _tile_loadconfig(&config);
}
#else
constexpr bool HAS_AMX = false;
bool allow_tiles() { return true; }
void configure_tiles() {}
#endif

// The rows of a step as a linear layer reads them: [group][depth][16].
struct Panel {
    Buffer<uint8_t> content;
    Buffer<float> scales;  // [group][16]: of 8-bit weights, what one unit of an integer is worth
    int num_rows = 0, num_groups = 0, depth = 0;
    size_t group_bytes = 0;
    const uint8_t *group(int index) const { return content.data() + index * group_bytes; }
};

// A linear layer. Weights lie in the order in which they are read: two tiles of 16 outputs at a time, block by block of
// their columns, [pair of tiles][block][tile][...]. Bits is 16 (bfloat16) or 8.
struct Linear {
    int rows = 0, num_pairs = 0, depth = 0, bits = 16;
    int unit = 1;  // pairs that one thread multiplies together
    size_t pair_bytes = 0;
    Buffer<uint8_t> packed;
    Buffer<float> scales;         // [row], of 8-bit weights
    const float *bias = nullptr;  // [row]

    // The columns of a block: what one tile of AMX holds of a row is 64 bytes.
    static int block(int bits) { return 512 / bits; }
    static int padded(int depth, int bits) { return (depth + block(bits) - 1) / block(bits) * block(bits); }

    void reserve(int num_rows, int num_columns, int num_bits, int num_together = 1) {
        rows = num_rows, unit = num_together, bits = num_bits, depth = padded(num_columns, bits);
        num_pairs = (rows + PAIR - 1) / PAIR;
        pair_bytes = size_t(PAIR) * depth * bits / 8;
        packed.reserve(num_pairs * pair_bytes);
        if (bits == 8) scales.reserve(size_t(num_pairs) * PAIR);
    }
    const uint8_t *pair(int index) const { return packed.data() + index * pair_bytes; }
    Range share_of(int thread, int size) const {  // in units
        return share(num_pairs / unit, thread, size);
    }

    // Put a row of weights (columns,) where it belongs.
    void set_row(int row, const uint16_t *weights, int num_columns) {
        float scale = 1;
        if (bits == 8) {
            float most = 0;
            for (int column = 0; column < num_columns; ++column) most = std::max(most, std::fabs(widened(weights[column])));
            scales[row] = scale = most > 0 ? most / 127 : 1;
        }
        uint8_t *to = packed.data() + row / PAIR * pair_bytes;
        int tile = row / GROUP % 2, width = HAS_AMX ? block(bits) : 1;
        for (int column = 0; column < num_columns; ++column) {
            size_t place = size_t((column / width * 2 + tile) * GROUP + row % GROUP) * width + column % width;
            if (bits == 8)
                to[place] = uint8_t(int8_t(std::lrint(widened(weights[column]) / scale)));
            else
                std::memcpy(to + 2 * place, weights + column, 2);
        }
    }
};

#ifdef __AMX_BF16__
// Multiply a pair of tiles of weights with one panel or two: [panel][32 outputs][16 rows].
#define DOT(to, a, b)                \
    do {                             \
        if constexpr (IS_INT)        \
            _tile_dpbssd(to, a, b);  \
        else                         \
            _tile_dpbf16ps(to, a, b); \
    } while (false)
// `next` are the weights that this thread reads after these.
template <bool IS_INT, int PANELS>
void multiply_pair(const uint8_t *weights, const uint8_t *next, const uint8_t *first, const uint8_t *second,
                   int num_blocks, void *out) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int block = 0; block < num_blocks; ++block, weights += 2048) {
        int left = num_blocks - block - AHEAD;
        const uint8_t *ahead = left > 0 ? weights + AHEAD * 2048 : next - left * 2048;
        for (int line = 0; line < 2048; line += 64)  // the processor alone does not look so far ahead
            __builtin_prefetch(ahead + line, 0, 2);
        _tile_loadd(6, first + block * 1024, 64);
        _tile_loadd(4, weights, 64);
        DOT(0, 4, 6);
        _tile_loadd(5, weights + 1024, 64);
        DOT(1, 5, 6);
        if (PANELS == 1) continue;
        _tile_loadd(7, second + block * 1024, 64);
        DOT(2, 4, 7);
        DOT(3, 5, 7);
    }
    char *to = static_cast<char *>(out);
    _tile_stored(0, to, 64);
    _tile_stored(1, to + 1024, 64);
    if (PANELS == 1) return;
    _tile_stored(2, to + 2048, 64);
    _tile_stored(3, to + 3072, 64);
}
#undef DOT

// Write the products of one group, or of two at once, to `out` (and `second`): [32 outputs][16 rows]; return how many.
int multiply_groups(const Linear &linear, int pair, const uint8_t *next, const Panel &panel, int group, float *out,
                    float *second) {
    int num_blocks = linear.depth / Linear::block(linear.bits);
    alignas(64) float found[2 * PAIR * GROUP];
    if (linear.bits == 16) {
        if (group + 1 == panel.num_groups) {
            multiply_pair<false, 1>(linear.pair(pair), next, panel.group(group), nullptr, num_blocks, out);
            return 1;
        }
        multiply_pair<false, 2>(linear.pair(pair), next, panel.group(group), panel.group(group + 1), num_blocks, found);
        std::memcpy(out, found, sizeof found / 2);
        std::memcpy(second, found + PAIR * GROUP, sizeof found / 2);
        return 2;
    }
    multiply_pair<true, 2>(linear.pair(pair), next, panel.group(group), panel.group(group) + panel.group_bytes / 2,
                           num_blocks, found);
    Vec unit = load<Vec>(&panel.scales[group * GROUP]);
    for (int output = 0; output < PAIR; ++output) {
        Vec high = __builtin_convertvector(load<Ints>(found + output * GROUP), Vec);
        Vec low = __builtin_convertvector(load<Ints>(found + (PAIR + output) * GROUP), Vec);
        Vec value = (high * 256.0f + low) * (unit * linear.scales[pair * PAIR + output]);
        std::memcpy(out + output * GROUP, &value, sizeof value);
    }
    return 1;
}
#else
// Multiply a pair of tiles of weights with some of the rows of a panel of float32: `out` is [32 outputs][16 rows].
template <int ROWS>
INLINE void multiply_rows(const Linear &linear, int pair, const float *panel, int first, float *out) {
    Vec sums[2][ROWS] = {};
    const uint8_t *weights = linear.pair(pair);
    for (int column = 0; column < linear.depth; ++column, weights += PAIR * linear.bits / 8)
        for (int tile = 0; tile < 2; ++tile) {
            Vec weight = linear.bits == 8 ? __builtin_convertvector(load<Bytes>(weights + tile * GROUP), Vec)
                                          : widened(reinterpret_cast<const uint16_t *>(weights) + tile * GROUP);
            for (int row = 0; row < ROWS; ++row) sums[tile][row] += weight * panel[column * GROUP + first + row];
        }
    for (int row = 0; row < ROWS; ++row)
        for (int output = 0; output < PAIR; ++output) {
            float scale = linear.bits == 8 ? linear.scales[pair * PAIR + output] : 1;
            out[output * GROUP + first + row] = sums[output / GROUP][row][output % GROUP] * scale;
        }
}
int multiply_groups(const Linear &linear, int pair, const uint8_t *, const Panel &panel, int group, float *out,
                    float *) {
    const float *rows = reinterpret_cast<const float *>(panel.group(group));
    int used = std::min(GROUP, panel.num_rows - group * GROUP), row = 0;
    for (; row + 8 <= used; row += 8) multiply_rows<8>(linear, pair, rows, row, out);
    for (; row + 4 <= used; row += 4) multiply_rows<4>(linear, pair, rows, row, out);
    for (; row < used; ++row) multiply_rows<1>(linear, pair, rows, row, out);
    return 1;
}
#endif

// Multiply a unit of pairs with the panel, and hand each group's results, [output][16], to `finish`.
template <class Finish>
void multiply(const Linear &linear, int unit, const uint8_t *next, const Panel &panel, float *scratch, Finish finish) {
    size_t numbers = size_t(linear.unit) * PAIR * GROUP;
    int first = unit * linear.unit, count = linear.unit;
    for (int group = 0, some = 1; group < panel.num_groups; group += some) {
        for (int pair = 0; pair < count; ++pair) {
            float *out = scratch + size_t(pair) * PAIR * GROUP;
            const uint8_t *after = pair + 1 < count ? linear.pair(first + pair + 1) : next;
            some = multiply_groups(linear, first + pair, after, panel, group, out, out + numbers);
        }
        for (int which = 0; which < some; ++which) finish(group + which, scratch + which * numbers);
    }
}

struct Layer {
    Linear projection, output, gate_up, down;  // gate_up: a tile of gate, then the same of up
    const float *attention_norm, *mlp_norm, *query_norm, *key_norm;
    bool is_sliding;
};

// The slots that a set of rows sees, in blocks, and which of the rows sees which: a bit for each slot of a block.
struct Seen {
    std::vector<int32_t> slots;
    std::vector<uint32_t> masks;  // [block][row of the set]
    int num_blocks() const { return int(slots.size() + SLOTS - 1) / SLOTS; }
    void add(int slot, uint32_t rows, int num_rows) {
        if (!rows) return;
        if (slots.size() % SLOTS == 0) masks.resize(masks.size() + num_rows, 0);
        uint32_t *mask = masks.data() + masks.size() - num_rows;
        for (int row = 0; row < num_rows; ++row) mask[row] |= (rows >> row & 1) << slots.size() % SLOTS;
        slots.push_back(slot);
    }
};

// Where a set of rows gathers: a record for each row. A record is what the queries that share a head of keys have
// gathered, [query][head_dim], their largest scores [query], and the sums of their shares [query].
struct Gathered {
    float *to;
    size_t stride;
    float *row(int index) const { return to + index * stride; }
};
struct Carried {
    int item = -1;
    Buffer<float> records;
};

class Model {
   public:
    Model(const NativeShape &shape, const NativeWeights &weights)
        : shape_(shape), embedding_(weights.embedding), final_norm_(weights.final_norm),
          frequencies_(weights.frequencies), team_(shape.num_threads), layers_(shape.num_layers),
          scratch_(shape.num_threads), carried_(shape.num_threads),
          shares_(shape.num_threads, shape.num_heads + 2 * shape.num_kv_heads) {
        for (auto &scratch : scratch_)
            scratch.reserve(2 * head_outputs() * GROUP + 2 * SLOTS * shape.head_dim + STRETCH * SLOTS * GROUP);
        for (auto &carried : carried_) carried.records.reserve(GROUP * record_size());
        for (int index = 0; index < shape.num_layers; ++index) pack(layers_[index], weights.layers[index]);
        output_.reserve(shape.vocabulary, shape.hidden, shape.weight_bits);
        auto fill = [&](int thread) {
            auto [begin, end] = share(shape_.vocabulary, thread, team_.size);
            for (int row = begin; row < end; ++row)
                output_.set_row(row, weights.output + size_t(row) * shape_.hidden, shape_.hidden);
        };
        team_.run(fill);
    }

    void step(const NativeBatch &batch) {
        batch_ = &batch;
        num_groups_ = (batch.num_rows + GROUP - 1) / GROUP;
        size_t rows = size_t(num_groups_) * GROUP;
        hidden_.reserve(rows * shape_.hidden);
        if (!writes_through()) wide_.reserve(rows * widest());
        chosen_.reserve((size_t(batch.num_outputs) + GROUP) / GROUP * GROUP * shape_.hidden);
        queries_.reserve(rows * shape_.num_heads * shape_.head_dim);
        records_.reserve(record(batch.num_rows, 0));
        cosines_.reserve(rows * shape_.head_dim / 2);
        sines_.reserve(rows * shape_.head_dim / 2);
        int most_rows = uses_tiles() ? GROUP / queries_per_head() : 1;
        int sets = (batch.num_rows + most_rows - 1) / most_rows;
        rows_of_set_ = (batch.num_rows + sets - 1) / sets;
        for (auto &seen : seen_) seen.resize(std::max(seen.size(), size_t(sets)));
        reserve_panel(panel_, shape_.hidden);
        reserve_panel(wide_panel_, widest());
        shape_panel(panel_, batch.num_rows, shape_.hidden);
        auto task = [this](int thread) { run(thread); };
        team_.run(task);
    }

   private:
    int head_outputs() const { return (shape_.head_dim + PAIR - 1) / PAIR * PAIR; }  // of a projection's whole pairs
    int queries_per_head() const { return shape_.num_heads / shape_.num_kv_heads; }
    size_t record_size() const {
        return (size_t(queries_per_head()) * (shape_.head_dim + 2) + GROUP - 1) / GROUP * GROUP;
    }
    int widest() const {  // features that `wide_panel_` holds
        return (std::max(shape_.inner, shape_.num_heads * shape_.head_dim) + GROUP - 1) / GROUP * GROUP;
    }
    bool uses_tiles() const { return HAS_AMX && queries_per_head() <= GROUP && shape_.head_dim % 32 == 0; }

    void pack(Layer &layer, const NativeLayer &from) {
        int bits = shape_.weight_bits, hidden = shape_.hidden, heads = shape_.num_heads * shape_.head_dim;
        int keys = shape_.num_kv_heads * shape_.head_dim;
        int outputs = (shape_.num_heads + 2 * shape_.num_kv_heads) * head_outputs();
        layer.projection.reserve(outputs, hidden, bits, head_outputs() / PAIR);
        layer.output.reserve(hidden, heads, bits);
        layer.gate_up.reserve(2 * ((shape_.inner + GROUP - 1) / GROUP * GROUP), hidden, bits);
        layer.down.reserve(hidden, shape_.inner, bits);
        layer.attention_norm = from.attention_norm, layer.mlp_norm = from.mlp_norm;
        layer.query_norm = from.query_norm, layer.key_norm = from.key_norm;
        layer.is_sliding = from.is_sliding;
        layer.output.bias = from.output_bias;
        biases_.emplace_back();
        if (from.query_bias) {
            Buffer<float> &bias = biases_.back();
            bias.reserve(heads + 2 * keys);
            std::copy(from.query_bias, from.query_bias + heads, bias.data());
            std::copy(from.key_bias, from.key_bias + keys, bias.data() + heads);
            std::copy(from.value_bias, from.value_bias + keys, bias.data() + heads + keys);
            layer.projection.bias = bias.data();
        }
        auto fill = [&](int thread) {
            auto rows = [&](Linear &linear, const uint16_t *weights, int count, int columns, auto place) {
                auto [begin, end] = share(count, thread, team_.size);
                for (int row = begin; row < end; ++row)
                    linear.set_row(place(row), weights + size_t(row) * columns, columns);
            };
            auto same = [](int row) { return row; };
            auto in_head = [&](int first) {
                return [&, first](int row) {
                    return (first + row) / shape_.head_dim * head_outputs() + row % shape_.head_dim;
                };
            };
            auto every_second = [](int first) {
                return [first](int row) { return (2 * (row / GROUP) + first) * GROUP + row % GROUP; };
            };
            rows(layer.projection, from.query, heads, hidden, in_head(0));
            rows(layer.projection, from.key, keys, hidden, in_head(heads));
            rows(layer.projection, from.value, keys, hidden, in_head(heads + keys));
            rows(layer.output, from.output, hidden, heads, same);
            rows(layer.gate_up, from.gate, shape_.inner, hidden, every_second(0));
            rows(layer.gate_up, from.up, shape_.inner, hidden, every_second(1));
            rows(layer.down, from.down, hidden, shape_.inner, same);
        };
        team_.run(fill);
    }

    void run(int thread) {
        configure_tiles();
        embed(thread);
        rotate(thread);
        list_seen(thread);
        team_.barrier();
        for (int index = 0; index < shape_.num_layers; ++index) run_layer(index, thread);
        if (batch_->num_outputs) write_logits(thread);
    }

    void run_layer(int index, int thread) {
        Layer &layer = layers_[index];
        pack_panel(panel_, thread, hidden_.data(), layer.attention_norm);
        team_.barrier();
        project(layer, index, thread);
        team_.barrier();
        attend(layer, index, thread);
        begin_wide(shape_.num_heads * shape_.head_dim, thread);
        team_.barrier();
        unite(thread);
        end_wide(thread);
        add(layer.output, layer.gate_up, thread);
        team_.barrier();
        pack_panel(panel_, thread, hidden_.data(), layer.mlp_norm);
        begin_wide(shape_.inner, thread);
        team_.barrier();
        activate(layer, thread);
        end_wide(thread);
        bool is_last = index + 1 == shape_.num_layers;
        add(layer.down, is_last && batch_->num_outputs ? output_ : layers_[is_last ? 0 : index + 1].projection, thread);
        team_.barrier();
    }

    // What is written 16 features at a time goes to `wide_panel_` at once; with 8-bit weights it waits in `wide_`, since
    // the largest number of a row must be known first.
    bool writes_through() const { return !HAS_AMX || shape_.weight_bits == 16; }
    void begin_wide(int depth, int thread) {
        if (thread == 0) shape_panel(wide_panel_, batch_->num_rows, (depth + GROUP - 1) / GROUP * GROUP);
    }
    void write_wide(int group, int feature, const Vec *found) {
        if (writes_through()) return write_panel(wide_panel_, group, feature, found);
        std::memcpy(wide_.data() + (size_t(group) * wide_panel_.depth + feature) * GROUP, found, GROUP * sizeof(Vec));
    }
    void end_wide(int thread) {
        team_.barrier();
        if (writes_through()) return;
        pack_panel(wide_panel_, thread, wide_.data(), nullptr);
        team_.barrier();
    }

    // hidden_[group][feature][row] = the embeddings of the tokens.
    void embed(int thread) {
        auto [begin, end] = share(shape_.hidden, thread, team_.size);
        for (int group = 0; group < num_groups_; ++group) {
            float *rows = hidden_.data() + size_t(group) * shape_.hidden * GROUP;
            for (int lane = 0; lane < GROUP; ++lane) {
                int row = group * GROUP + lane;
                const uint16_t *from =
                    row < batch_->num_rows ? embedding_ + batch_->tokens[row] * shape_.hidden : nullptr;
                for (int feature = begin; feature < end; ++feature)
                    rows[feature * GROUP + lane] = from ? widened(from[feature]) : 0;
            }
        }
    }

    // The angles of all rows: [group][pair][row].
    void rotate(int thread) {
        int pairs = shape_.head_dim / 2;
        auto [begin, end] = share(pairs, thread, team_.size);
        for (int row = 0; row < batch_->num_rows; ++row)
            for (int pair = begin; pair < end; ++pair) {
                float angle = float(batch_->positions[row]) * frequencies_[pair];
                size_t place = (size_t(row / GROUP) * pairs + pair) * GROUP + row % GROUP;
                cosines_[place] = std::cos(angle), sines_[place] = std::sin(angle);
            }
    }

    // What each set of rows sees, in layers that do not slide and in those that do.
    void list_seen(int thread) {
        auto [begin, end] = share(num_sets(), thread, team_.size);
        for (int set = begin; set < end; ++set) {
            int first = set * rows_of_set_, count = std::min(rows_of_set_, batch_->num_rows - first);
            for (Seen *seen : {&seen_[0][set], &seen_[1][set]}) seen->slots.clear(), seen->masks.clear();
            for (int slot = 0; slot < batch_->extent; ++slot) {
                uint32_t all = 0, near = 0;
                for (int row = 0; row < count; ++row) {
                    const uint8_t *visible = batch_->visible + size_t(first + row) * batch_->extent;
                    all |= uint32_t(visible[slot] != 0) << row;
                    if (batch_->positions[first + row] - batch_->slot_positions[slot] < shape_.sliding_window)
                        near |= uint32_t(1) << row;
                }
                seen_[0][set].add(slot, all, rows_of_set_);
                seen_[1][set].add(slot, all & near, rows_of_set_);
            }
        }
    }

    int num_sets() const { return (batch_->num_rows + rows_of_set_ - 1) / rows_of_set_; }

    void reserve_panel(Panel &panel, int depth) {
        int groups = std::max(num_groups_, (batch_->num_outputs + GROUP - 1) / GROUP);
        panel.content.reserve(panel_bytes(depth) * groups);
        panel.scales.reserve(size_t(groups) * GROUP);
    }
    size_t panel_bytes(int depth) const {
        return size_t(Linear::padded(depth, shape_.weight_bits)) * GROUP * (HAS_AMX ? 2 : 4);
    }
    void shape_panel(Panel &panel, int num_rows, int depth) const {
        panel.num_rows = num_rows, panel.num_groups = (num_rows + GROUP - 1) / GROUP, panel.depth = depth;
        panel.group_bytes = panel_bytes(depth);
        const Vec zeros[GROUP] = {};
        for (int group = 0; group < panel.num_groups && writes_through(); ++group)
            for (int feature = depth; feature < Linear::padded(depth, shape_.weight_bits); feature += GROUP)
                write_panel(panel, group, feature, zeros);
    }
    // Write 16 features of a group as they are, in bfloat16 or float32.
    static void write_panel(Panel &panel, int group, int feature, const Vec *found) {
        uint8_t *to = panel.content.data() + group * panel.group_bytes;
        if (!HAS_AMX) {
            std::memcpy(to + feature * sizeof(Vec), found, GROUP * sizeof(Vec));
            return;
        }
        for (int pair = 0; pair < GROUP / 2; ++pair)
            reinterpret_cast<Words *>(to)[feature / 2 + pair] =
                __builtin_convertvector(narrowed(found[2 * pair]), Words) |
                __builtin_convertvector(narrowed(found[2 * pair + 1]), Words) << 16;
    }

    // Write rows [group][feature][16] into a panel, normalised and scaled where there is a norm.
    void pack_panel(Panel &panel, int thread, const float *rows, const float *norm) {
        int depth = panel.depth, padded = Linear::padded(depth, shape_.weight_bits);
        for (int group = 0; group < panel.num_groups; ++group) {
            const float *from = rows + size_t(group) * depth * GROUP;
            Vec factor = splat(1);
            if (norm) {
                Vec squares[2] = {};
                for (int feature = 0; feature < depth; ++feature) {
                    Vec value = load<Vec>(from + feature * GROUP);
                    squares[feature & 1] += value * value;
                }
                Vec mean = (squares[0] + squares[1]) / float(depth) + shape_.norm_epsilon;
                for (int lane = 0; lane < GROUP; ++lane) factor[lane] = 1 / std::sqrt(mean[lane]);
            }
            auto value = [&](int feature) __attribute__((always_inline)) {
                if (feature >= depth) return Vec{};
                Vec found = load<Vec>(from + feature * GROUP) * factor;
                return norm ? found * norm[feature] : found;
            };
            if (!writes_through()) {
                Range fours = share(padded / 4, thread, team_.size);
                pack_integers(panel, value, fours, group, thread);
                continue;
            }
            auto [begin, end] = share(padded / GROUP, thread, team_.size);
            for (int feature = begin * GROUP; feature < end * GROUP; feature += GROUP) {
                alignas(64) Vec found[GROUP];
                for (int place = 0; place < GROUP; ++place) found[place] = value(feature + place);
                write_panel(panel, group, feature, found);
            }
        }
    }

    // 16-bit integers in two signed bytes: 256 * high + low, the high bytes of all features first.
    template <class Value>
    INLINE void pack_integers(Panel &panel, Value value, Range fours, int group, int thread) {
        uint8_t *to = panel.content.data() + group * panel.group_bytes;
        size_t half = panel.group_bytes / 2;
        Vec most = splat(1e-30f);
        for (int feature = 0; feature < panel.depth; ++feature) {
            Vec found = value(feature);
            most = larger(most, larger(found, -found));
        }
        Vec unit = most / 32512.0f, inverse = 32512.0f / most;  // 127 * 256: the high byte must not overflow
        if (thread == 0) std::memcpy(&panel.scales[group * GROUP], &unit, sizeof unit);
        for (int four = fours.begin; four < fours.end; ++four) {
            Words high{}, low{};
            for (int part = 0; part < 4; ++part) {
                Vec scaled = value(4 * four + part) * inverse + 12582912.0f;  // rounds to an integer
                Ints whole = (Ints)scaled - 0x4b400000;
                Ints upper = (whole + 128) >> 8;
                high |= (Words)(upper & 255) << (8 * part);
                low |= (Words)((whole - upper * 256) & 255) << (8 * part);
            }
            reinterpret_cast<Words *>(to)[four] = high;
            reinterpret_cast<Words *>(to + half)[four] = low;
        }
    }

    // Queries, keys and values of all rows, head by head: rotated, the keys and values written to the pool.
    void project(const Layer &layer, int index, int thread) {
        int dim = shape_.head_dim, heads = shape_.num_heads, kv_heads = shape_.num_kv_heads;
        multiply_share(layer.projection, layer.output, panel_, thread, [&](int head, int group, float *found) {
            const float *norm = head < heads ? layer.query_norm : layer.key_norm;
            Vec *numbers = reinterpret_cast<Vec *>(found);
            if (layer.projection.bias)
                for (int number = 0; number < dim; ++number) numbers[number] += layer.projection.bias[head * dim + number];
            if (head < heads + kv_heads) turn(found, group, norm);
            int rows = std::min(GROUP, batch_->num_rows - group * GROUP);
            for (int number = 0; number < dim; number += GROUP) {
                transpose(numbers + number);  // now one row's numbers are side by side
                for (int lane = 0; lane < rows; ++lane) {
                    int row = group * GROUP + lane;
                    Vec part = numbers[number + lane];
                    if (head < heads) {
                        part *= shape_.query_scale;
                        std::memcpy(queries_.data() + (size_t(row) * heads + head) * dim + number, &part, sizeof part);
                    } else {
                        Halves halves = narrowed(part);
                        std::memcpy(entry(index, batch_->slots[row], head - heads) + number, &halves, sizeof halves);
                    }
                }
            }
        });
    }

    // Normalise a head [number][16] where the family does, and rotate it.
    void turn(float *head, int group, const float *norm) const {
        int dim = shape_.head_dim, half = dim / 2;
        Vec *numbers = reinterpret_cast<Vec *>(head);
        if (norm) {
            Vec squares{};
            for (int number = 0; number < dim; ++number) squares += numbers[number] * numbers[number];
            Vec mean = squares / float(dim) + shape_.norm_epsilon, factor;
            for (int lane = 0; lane < GROUP; ++lane) factor[lane] = 1 / std::sqrt(mean[lane]);
            for (int number = 0; number < dim; ++number) numbers[number] = numbers[number] * factor * norm[number];
        }
        const Vec *cosine = reinterpret_cast<const Vec *>(cosines_.data()) + group * half;
        const Vec *sine = reinterpret_cast<const Vec *>(sines_.data()) + group * half;
        for (int pair = 0; pair < half; ++pair) {
            Vec first = numbers[pair], second = numbers[pair + half];
            numbers[pair] = first * cosine[pair] - second * sine[pair];
            numbers[pair + half] = second * cosine[pair] + first * sine[pair];
        }
    }

    uint16_t *entry(int layer, int64_t slot, int head) const {
        return batch_->entries + layer * batch_->layer_stride +
               (slot * 2 * shape_.num_kv_heads + head) * shape_.head_dim;
    }

    // Attention of all rows. An item is a set of rows and a head of keys; threads share the blocks of slots of all items
    // evenly, so that an item may lie in the shares of several: the one that begins it writes to records_, the others to
    // what they carry.
    void attend(const Layer &layer, int index, int thread) {
        const std::vector<Seen> &seen = seen_[layer.is_sliding];
        int heads = shape_.num_kv_heads, total = 0, place = 0;
        for (int set = 0; set < num_sets(); ++set) total += heads * seen[set].num_blocks();
        auto [begin, end] = share(total, thread, team_.size);
        Carried &carried = carried_[thread];
        carried.item = -1;
        for (int set = 0; set < num_sets() && place < end; ++set) {
            int blocks = seen[set].num_blocks();
            for (int head = 0; head < heads; ++head, place += blocks) {
                int from = std::max(begin, place) - place, to = std::min(end, place + blocks) - place;
                if (from >= to) continue;
                Gathered gathered{records_.data() + record(set * rows_of_set_, head), heads * record_size()};
                if (from > 0) {
                    carried.item = set * heads + head;
                    gathered = {carried.records.data(), record_size()};
                }
                gather(index, set, head, seen[set], {from, to}, gathered, scratch_[thread].data());
            }
        }
    }

    size_t record(int row, int head) const { return (size_t(row) * shape_.num_kv_heads + head) * record_size(); }

    void gather(int layer, int set, int head, const Seen &seen, Range blocks, Gathered gathered, float *scratch) const {
#ifdef __AMX_BF16__
        if (uses_tiles()) return gather_tiles(layer, set, head, seen, blocks, gathered, scratch);
#endif
        switch (shape_.head_dim / GROUP) {
            case 1: return gather<1>(layer, set, head, seen, blocks, gathered.to, scratch);
            case 2: return gather<2>(layer, set, head, seen, blocks, gathered.to, scratch);
            case 4: return gather<4>(layer, set, head, seen, blocks, gathered.to, scratch);
            case 6: return gather<6>(layer, set, head, seen, blocks, gathered.to, scratch);
            case 8: return gather<8>(layer, set, head, seen, blocks, gathered.to, scratch);
            default: return gather<16>(layer, set, head, seen, blocks, gathered.to, scratch);
        }
    }

    // What the queries of one row that share a head of keys gather from blocks of slots. VECS vectors are a head.
    template <int VECS>
    void gather(int layer, int row, int head, const Seen &seen, Range blocks, float *to, float *scratch) const {
        int queries = queries_per_head(), count = int(seen.slots.size());
        const Vec *query = reinterpret_cast<const Vec *>(queries_.data()) +
                           (size_t(row) * shape_.num_heads + head * queries) * VECS;
        Vec *keys = reinterpret_cast<Vec *>(scratch), *values = keys + SLOTS * VECS;
        Vec *sums = reinterpret_cast<Vec *>(to);
        float *largest = to + queries * VECS * GROUP, *shares = largest + queries;
        std::fill(to, largest, 0.0f);
        std::fill(largest, shares, -INFINITY);
        std::fill(shares, shares + queries, 0.0f);
        for (int first = blocks.begin * SLOTS; first < std::min(blocks.end * SLOTS, count); first += SLOTS) {
            int some = std::min(SLOTS, count - first);
            for (int place = 0; place < some; ++place) {
                const uint16_t *key = entry(layer, seen.slots[first + place], head);
                const uint16_t *value = key + shape_.num_kv_heads * VECS * GROUP;
                for (int part = 0; part < VECS; ++part) {
                    keys[place * VECS + part] = widened(key + part * GROUP);
                    values[place * VECS + part] = widened(value + part * GROUP);
                }
            }
            for (int which = 0; which < queries; ++which)
                gather_block<VECS>(query + which * VECS, keys, values, some, sums + which * VECS, largest[which],
                                   shares[which]);
        }
    }

    template <int VECS>
    static void gather_block(const Vec *query, const Vec *keys, const Vec *values, int count, Vec *sums, float &largest,
                             float &shares) {
        alignas(64) Vec scores[SLOTS / GROUP], products[GROUP];
        Vec most = splat(largest);
        for (int block = 0; block < SLOTS / GROUP; ++block) {
            int some = std::min(GROUP, count - block * GROUP);
            for (int place = 0; place < GROUP; ++place) {
                const Vec *key = keys + (block * GROUP + place) * VECS;
                products[place] = Vec{};
                for (int part = 0; part < VECS && place < some; ++part) products[place] += query[part] * key[part];
            }
            scores[block] = PLACES < splat(float(some)) ? sums_of(products) : splat(-INFINITY);
            most = larger(most, scores[block]);
        }
        float top = largest_of(most), kept = std::exp(largest - top);
        Vec total{};
        for (Vec &score : scores) total += score = exponential(score - top);
        largest = top;
        shares = shares * kept + sum(total);
        Vec gathered[VECS], others[VECS] = {};
        for (int part = 0; part < VECS; ++part) gathered[part] = sums[part] * kept;
        const float *weights = reinterpret_cast<const float *>(scores);
        for (int place = 0; place < count; ++place)  // two sums, so that none waits for itself
            for (int part = 0; part < VECS; ++part)
                (place & 1 ? others : gathered)[part] += values[place * VECS + part] * weights[place];
        for (int part = 0; part < VECS; ++part) sums[part] = gathered[part] + others[part];
    }

#ifdef __AMX_BF16__
    // The same for a set of rows, whose queries fill one tile: scores of a stretch of slots, their shares, then values.
    // Queries and shares are two numbers of bfloat16 each, so that nothing but keys and values is rounded.
    void gather_tiles(int layer, int set, int head, const Seen &seen, Range blocks, Gathered gathered,
                      float *scratch) const {
        int queries = queries_per_head(), dim = shape_.head_dim, first = set * rows_of_set_;
        int rows = std::min(rows_of_set_, batch_->num_rows - first);
        for (int row = 0; row < rows; ++row) {
            float *to = gathered.row(row);
            std::fill(to, to + queries * dim, 0.0f);
            std::fill(to + queries * dim, to + queries * (dim + 1), -INFINITY);
            std::fill(to + queries * (dim + 1), to + queries * (dim + 2), 0.0f);
        }
        uint16_t *split = reinterpret_cast<uint16_t *>(scratch);  // [high, low][dim / 32][16 queries][32 numbers]
        float *scores = scratch + GROUP * dim;                    // [block][2][16 queries][16 slots]
        split_queries(split, first, rows, head);
        for (int begin = blocks.begin; begin < blocks.end; begin += STRETCH) {
            Range some = {begin, std::min(begin + STRETCH, blocks.end)};
            alignas(64) Vec most[GROUP], totals[GROUP] = {};
            std::fill(most, most + GROUP, splat(-1e30f));  // a query may see none of these slots
            for (int block = some.begin; block < some.end; ++block)
                score_block(layer, head, seen, block, split, rows, scores + (block - begin) * SLOTS * GROUP, most);
            alignas(64) float tops[GROUP], sums[GROUP];
            Vec top = across(most, [](Vec a, Vec b) __attribute__((always_inline)) { return larger(a, b); });
            std::memcpy(tops, &top, sizeof top);
            for (int block = some.begin; block < some.end; ++block)
                weigh_block(scores + (block - begin) * SLOTS * GROUP, rows * queries, tops, totals);
            Vec total = sums_of(totals);
            std::memcpy(sums, &total, sizeof total);
            for (int number = 0; number < dim; number += 4 * GROUP)
                gather_values(layer, head, seen, some, scores, {number, std::min(dim, number + 4 * GROUP)}, tops, sums,
                              rows, gathered);
        }
    }

    void split_queries(uint16_t *split, int first, int rows, int head) const {
        int queries = queries_per_head(), dim = shape_.head_dim;
        std::fill(split, split + 2 * GROUP * dim, 0);
        for (int row = 0; row < rows; ++row)
            for (int which = 0; which < queries; ++which)
                for (int part = 0; part < dim / GROUP; ++part) {
                    const float *from = queries_.data() +
                                        (size_t(first + row) * shape_.num_heads + head * queries + which) * dim;
                    uint16_t *to = split + (part / 2 * GROUP + row * queries + which) * 2 * GROUP + part % 2 * GROUP;
                    split_in_two(load<Vec>(from + part * GROUP), to, to + GROUP * dim);
                }
    }
    static INLINE void split_in_two(Vec value, uint16_t *high, uint16_t *low) {
        Halves first = narrowed(value), second = narrowed(value - (Vec)(__builtin_convertvector(first, Words) << 16));
        std::memcpy(high, &first, sizeof first);
        std::memcpy(low, &second, sizeof second);
    }

    // The scores of one block of slots, minus infinity where a row does not see; `most` grows with them.
    void score_block(int layer, int head, const Seen &seen, int block, const uint16_t *split, int rows, float *scores,
                     Vec *most) const {
        int dim = shape_.head_dim, queries = queries_per_head();
        const int32_t *slots = seen.slots.data() + block * SLOTS, count = int(seen.slots.size()) - block * SLOTS;
        for (int place = SLOTS; place < std::min(2 * SLOTS, count); ++place) prefetch(layer, slots[place], head);
        alignas(64) Vec keys[2][GROUP];
        _tile_zero(0);
        _tile_zero(1);
        for (int part = 0; part < dim / 32; ++part) {
            for (int half = 0; half < 2; ++half) {
                for (int place = 0; place < GROUP; ++place)
                    keys[half][place] = load<Vec>(entry(layer, slots[std::min(half * GROUP + place, count - 1)], head) + part * 32);
                transpose(keys[half]);
            }
            _tile_loadd(4, split + part * 2 * GROUP * GROUP, 64);
            _tile_loadd(5, split + (dim / 32 + part) * 2 * GROUP * GROUP, 64);
            _tile_loadd(6, keys[0], 64);
            _tile_loadd(7, keys[1], 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(0, 5, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(1, 5, 7);
        }
        _tile_stored(0, scores, 64);
        _tile_stored(1, scores + GROUP * GROUP, 64);
        for (int row = 0; row < rows; ++row) {
            uint32_t mask = seen.masks[block * rows_of_set_ + row];
            for (int query = row * queries; query < (row + 1) * queries; ++query)
                for (int half = 0; half < 2; ++half) {
                    float *place = scores + (half * GROUP + query) * GROUP;
                    Vec score = shown(load<Vec>(place), mask >> (half * GROUP));
                    std::memcpy(place, &score, sizeof score);
                    most[query] = larger(most[query], score);
                }
        }
    }
    static INLINE Vec shown(Vec value, uint32_t mask) {
        return _mm512_mask_blend_ps(__mmask16(mask), _mm512_set1_ps(-INFINITY), value);
    }
    INLINE void prefetch(int layer, int slot, int head) const {
        const uint16_t *key = entry(layer, slot, head), *value = key + shape_.num_kv_heads * shape_.head_dim;
        for (int number = 0; number < shape_.head_dim; number += 32)
            _mm_prefetch(key + number, _MM_HINT_T0), _mm_prefetch(value + number, _MM_HINT_T0);
    }

    // From scores to shares in place, as two numbers of bfloat16: [high, low][16 queries][32 slots].
    static void weigh_block(float *scores, int num_queries, const float *tops, Vec *totals) {
        alignas(64) uint16_t shares[2 * GROUP * SLOTS] = {};
        for (int query = 0; query < num_queries; ++query)
            for (int half = 0; half < 2; ++half) {
                Vec weight = exponential(load<Vec>(scores + (half * GROUP + query) * GROUP) - tops[query]);
                totals[query] += weight;
                uint16_t *to = shares + query * SLOTS + half * GROUP;
                split_in_two(weight, to, to + GROUP * SLOTS);
            }
        std::memcpy(scores, shares, sizeof shares);
    }

    // Add what some numbers (at most 64) of the values bring to what has been gathered.
    void gather_values(int layer, int head, const Seen &seen, Range blocks, const float *shares, Range numbers,
                       const float *tops, const float *sums, int rows, Gathered gathered) const {
        int queries = queries_per_head(), dim = shape_.head_dim, tiles = (numbers.end - numbers.begin) / GROUP;
        alignas(64) Words values[4][GROUP];  // [16 numbers][pair of slots]
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int block = blocks.begin; block < blocks.end; ++block) {
            const int32_t *slots = seen.slots.data() + block * SLOTS, count = int(seen.slots.size()) - block * SLOTS;
            for (int pair = 0; pair < GROUP; ++pair) {
                const uint16_t *first = entry(layer, slots[std::min(2 * pair, count - 1)], head + shape_.num_kv_heads);
                const uint16_t *second = entry(layer, slots[std::min(2 * pair + 1, count - 1)], head + shape_.num_kv_heads);
                for (int tile = 0; tile < tiles; ++tile)
                    values[tile][pair] = (Words)widened(first + numbers.begin + tile * GROUP) >> 16 |
                                         (Words)widened(second + numbers.begin + tile * GROUP);
            }
            const float *found = shares + (block - blocks.begin) * SLOTS * GROUP;
            _tile_loadd(4, found, 64);
            _tile_loadd(5, found + GROUP * GROUP, 64);
#define GATHER(tile)                                \
    if (tile < tiles) {                             \
        _tile_loadd(6, values[tile], 64);           \
        _tile_dpbf16ps(tile, 4, 6);                 \
        _tile_dpbf16ps(tile, 5, 6);                 \
    }
            GATHER(0)
            GATHER(1)
            GATHER(2)
            GATHER(3)
#undef GATHER
        }
        alignas(64) float found[4][GROUP][GROUP];  // [16 numbers][query][number]
        _tile_stored(0, found[0], 64);
        _tile_stored(1, found[1], 64);
        _tile_stored(2, found[2], 64);
        _tile_stored(3, found[3], 64);
        for (int row = 0; row < rows; ++row)
            for (int which = 0; which < queries; ++which) {
                float *to = gathered.row(row), &largest = to[queries * dim + which];
                float &shared = to[queries * (dim + 1) + which];
                int query = row * queries + which;
                float top = std::max(largest, tops[query]);
                float ours = std::exp(largest - top), theirs = std::exp(tops[query] - top);
                for (int tile = 0; tile < tiles; ++tile) {
                    float *place = to + which * dim + numbers.begin + tile * GROUP;
                    Vec sum = load<Vec>(place) * ours + load<Vec>(found[tile][query]) * theirs;
                    std::memcpy(place, &sum, sizeof sum);
                }
                if (numbers.end < dim) continue;  // the last numbers bring the rest up to date
                shared = shared * ours + sums[query] * theirs;
                largest = top;
            }
    }
#endif

    // Unite what threads carried with what was begun, head_dim features a query: what the output layer reads.
    void unite(int thread) {
        int dim = shape_.head_dim, queries = queries_per_head(), heads = shape_.num_kv_heads;
        auto [begin, end] = share(num_groups_ * heads, thread, team_.size);
        for (int part = begin; part < end; ++part) {
            int group = part / heads, head = part % heads, rows = std::min(GROUP, batch_->num_rows - group * GROUP);
            float *records[GROUP];
            for (int lane = 0; lane < rows; ++lane) {
                int row = group * GROUP + lane;
                records[lane] = records_.data() + record(row, head);
                for (const Carried &carried : carried_)
                    if (carried.item == row / rows_of_set_ * heads + head)
                        merge(records[lane], carried.records.data() + row % rows_of_set_ * record_size());
            }
            for (int number = 0; number < queries * dim; number += GROUP) {
                alignas(64) Vec found[GROUP] = {};
                for (int lane = 0; lane < rows; ++lane)
                    found[lane] = load<Vec>(records[lane] + number) / records[lane][queries * (dim + 1) + number / dim];
                transpose(found);
                write_wide(group, head * queries * dim + number, found);
            }
        }
    }

    void merge(float *to, const float *other) const {
        int dim = shape_.head_dim, queries = queries_per_head();
        for (int which = 0; which < queries; ++which) {
            float &largest = to[queries * dim + which], &shares = to[queries * (dim + 1) + which];
            float most = std::max(largest, other[queries * dim + which]);
            float ours = std::exp(largest - most), theirs = std::exp(other[queries * dim + which] - most);
            for (int number = which * dim; number < (which + 1) * dim; ++number)
                to[number] = to[number] * ours + other[number] * theirs;
            shares = shares * ours + other[queries * (dim + 1) + which] * theirs;
            largest = most;
        }
    }

    // Multiply a linear layer with a panel, a unit at a time: this thread's share, and what others leave of theirs. `after`
    // is the layer that is multiplied next.
    template <class Finish>
    void multiply_share(const Linear &linear, const Linear &after, const Panel &panel, int thread, Finish finish) {
        Range own = linear.share_of(thread, team_.size), following = after.share_of(thread, team_.size);
        shares_.begin(thread, following);
        for (int unit; (unit = shares_.take(thread)) >= 0;) {
            bool goes_on = own.begin <= unit && unit + 1 < own.end;
            const uint8_t *next = goes_on ? linear.pair((unit + 1) * linear.unit) : after.pair(following.begin * after.unit);
            multiply(linear, unit, next, panel, scratch_[thread].data(),
                     [&](int group, float *found) { finish(unit, group, found); });
        }
    }

    // Add a linear layer's outputs to hidden_.
    void add(const Linear &linear, const Linear &after, int thread) {
        multiply_share(linear, after, wide_panel_, thread, [&](int pair, int group, float *found) {
            int first = pair * PAIR, outputs = std::min(PAIR, linear.rows - first);
            Vec *to = reinterpret_cast<Vec *>(hidden_.data()) + size_t(group) * shape_.hidden + first;
            for (int output = 0; output < outputs; ++output) {
                to[output] += reinterpret_cast<Vec *>(found)[output];
                if (linear.bias) to[output] += linear.bias[first + output];
            }
        });
    }

    // silu(gate) * up: what the layer down reads.
    void activate(const Layer &layer, int thread) {
        multiply_share(layer.gate_up, layer.down, panel_, thread, [&](int pair, int group, float *found) {
            Vec *gate = reinterpret_cast<Vec *>(found), *up = gate + GROUP;
            for (int feature = 0; feature < GROUP; ++feature)
                gate[feature] = gate[feature] / (exponential(-gate[feature]) + 1.0f) * up[feature];
            write_wide(group, pair * GROUP, gate);
        });
    }

    void write_logits(int thread) {
        int outputs = batch_->num_outputs, groups = (outputs + GROUP - 1) / GROUP;
        auto [first, last] = share(shape_.hidden, thread, team_.size);
        if (thread == 0) shape_panel(panel_, outputs, shape_.hidden);
        for (int place = 0; place < groups * GROUP; ++place) {
            float *to = chosen_.data() + size_t(place / GROUP) * shape_.hidden * GROUP + place % GROUP;
            int64_t row = batch_->outputs[std::min(place, outputs - 1)];
            const float *from = hidden_.data() + row / GROUP * shape_.hidden * GROUP + row % GROUP;
            for (int feature = first; feature < last; ++feature) to[feature * GROUP] = from[feature * GROUP];
        }
        team_.barrier();
        pack_panel(panel_, thread, chosen_.data(), final_norm_);
        team_.barrier();
        multiply_share(output_, layers_[0].projection, panel_, thread, [&](int pair, int group, float *found) {
            for (int token = pair * PAIR; token < (pair + 1) * PAIR; token += GROUP, found += GROUP * GROUP) {
                int tokens = std::max(0, std::min(GROUP, shape_.vocabulary - token));
                transpose(reinterpret_cast<Vec *>(found));
                for (int lane = 0; lane < std::min(GROUP, outputs - group * GROUP); ++lane)
                    std::memcpy(batch_->logits + size_t(group * GROUP + lane) * shape_.vocabulary + token,
                                found + lane * GROUP, tokens * sizeof(float));
            }
        });
    }

    const NativeShape shape_;
    const uint16_t *embedding_;
    const float *final_norm_, *frequencies_;
    Team team_;
    std::vector<Layer> layers_;
    std::vector<Buffer<float>> biases_;
    Linear output_;
    // Of the step that is running.
    const NativeBatch *batch_ = nullptr;
    int num_groups_ = 0;
    Panel panel_, wide_panel_;
    Buffer<float> hidden_, wide_, chosen_;  // [group][feature][16]
    Buffer<float> queries_;                 // [row][head][head_dim], scaled
    Buffer<float> records_;                 // [row][kv_head]
    Buffer<float> cosines_, sines_;         // [group][pair][16]
    int rows_of_set_ = 1;                   // rows whose attention is gathered together
    std::vector<Seen> seen_[2];             // of each set, in layers that do not slide and in those that do
    std::vector<Buffer<float>> scratch_;    // of each thread
    std::vector<Carried> carried_;          // of each thread
    Shares shares_;
};

}  // namespace

// Returns null and writes the model to `to`, or returns why there is none.
extern "C" const char *native_open(const NativeShape *shape, const NativeWeights *weights, void **to) try {
    if (!allow_tiles()) return "the system does not let this process use AMX";
    *to = new Model(*shape, *weights);
    return nullptr;
} catch (const std::bad_alloc &) {
    return "there is no memory for the packed weights";
}

// Returns null, or why the step did not run.
extern "C" const char *native_step(void *model, const NativeBatch *batch) try {
    static_cast<Model *>(model)->step(*batch);
    return nullptr;
} catch (const std::bad_alloc &) {
    return "there is no memory for the step";
}

extern "C" void native_close(void *model) { delete static_cast<Model *>(model); }
