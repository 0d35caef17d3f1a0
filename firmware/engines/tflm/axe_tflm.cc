// The interpreter of one network, and an arena that says so when it is too short.
#include "axe_tflm.h"

#include <csetjmp>
#include <cstring>
#include <new>
#include <string_view>

#include "tensorflow/lite/micro/arena_allocator/single_arena_buffer_allocator.h"
#include "tensorflow/lite/micro/kernels/fully_connected.h"
#include "tensorflow/lite/micro/kernels/mul.h"
#include "tensorflow/lite/micro/memory_planner/greedy_memory_planner.h"
#include "tensorflow/lite/micro/micro_allocator.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"
#include "tensorflow/lite/schema/schema_generated.h"

#include AXE_TFLM_ARRAYS

static_assert(std::string_view(AXE_TFLM_ARRAYS_HASH) == AXE_TFLM_PAIR_HASH,
              "the .tflite and the generated pair are of different models: convert again");

namespace {

using Resolver = tflite::MicroMutableOpResolver<AXE_TFLM_OPS>;

constexpr bool kIsInt8 = AXE_TFLM_BITS == 8;
constexpr TfLiteType kType = kIsInt8 ? kTfLiteInt8 : kTfLiteInt16;
constexpr int32_t kLargestCode = kIsInt8 ? INT8_MAX : INT16_MAX;

// The narrowest registration that TFLM has of each operator: only those that the model uses are instantiated, and linked.
template <typename R>
TfLiteStatus AddFullyConnected(R &resolver)
{
    if constexpr (kIsInt8) {
        return resolver.AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT8());
    } else {
        return resolver.AddFullyConnected(tflite::Register_FULLY_CONNECTED_INT16());
    }
}

template <typename R>
TfLiteStatus AddMul(R &resolver)
{
    if constexpr (kIsInt8) {
        return resolver.AddMul(tflite::Register_MUL_INT8());
    } else {
        return resolver.AddMul();
    }
}

template <typename R>
TfLiteStatus AddLogistic(R &resolver)
{
    return resolver.AddLogistic();
}

template <typename R>
TfLiteStatus AddRelu(R &resolver)
{
    return resolver.AddRelu();
}

template <typename R>
TfLiteStatus AddTanh(R &resolver)
{
    return resolver.AddTanh();
}

// Out of line: inlined at -O3, where it can see that the resolver is empty, GCC 12.2 for Cortex-M0 adds each operator in the first
// one's place.
__attribute__((noinline)) bool AddOps(Resolver &resolver)
{
#define AXE_ADD(Name) &&Add##Name(resolver) == kTfLiteOk
    return true AXE_TFLM_FOR_EACH_OP(AXE_ADD);
#undef AXE_ADD
}

std::jmp_buf shortage;

// TFLM's release builds neither check what their allocator returns nor that both ends of the arena stay apart: a short arena is
// written past, and the core faults. This one leaves AXE_TFLM_OPEN before that.
class WatchedArena : public tflite::SingleArenaBufferAllocator {
   public:
    WatchedArena(uint8_t *arena, size_t bytes) : SingleArenaBufferAllocator(arena, bytes), bytes_(bytes) {}

    uint8_t *AllocatePersistentBuffer(size_t size, size_t alignment) override
    {
        return Checked(SingleArenaBufferAllocator::AllocatePersistentBuffer(size, alignment));
    }

    uint8_t *AllocateTemp(size_t size, size_t alignment) override
    {
        return Checked(SingleArenaBufferAllocator::AllocateTemp(size, alignment));
    }

    TfLiteStatus ResizeBuffer(uint8_t *buffer, size_t size, size_t alignment) override
    {
        const TfLiteStatus status = SingleArenaBufferAllocator::ResizeBuffer(buffer, size, alignment);
        Checked(status == kTfLiteOk ? buffer : nullptr);
        return status;
    }

    void stop_watching() { is_watched_ = false; }

   private:
    uint8_t *Checked(uint8_t *buffer)
    {
        if (buffer != nullptr && GetUsedBytes() <= bytes_) {
            return buffer;
        }
        if (is_watched_) {
            std::longjmp(shortage, 1);
        }
        return nullptr;
    }

    const size_t bytes_;
    bool is_watched_ = true;

    TF_LITE_REMOVE_VIRTUAL_DELETE
};

// Room for an object that is made when the network is set up, and never destroyed.
template <typename T>
struct Room {
    alignas(T) unsigned char bytes[sizeof(T)];
};

Room<WatchedArena> arena_room;
Room<tflite::GreedyMemoryPlanner> planner_room;
Room<Resolver> resolver_room;
Room<tflite::MicroInterpreter> interpreter_room;

tflite::MicroInterpreter *interpreter; // null until all is set up
axe_tflm_code *input;
const axe_tflm_code *answer;
const axe_tflm_code *logit; // null without a predictor
bool has_failed;

// The codes of a tensor, or null if it is not `count` codes of the model's width.
axe_tflm_code *Codes(const TfLiteTensor *tensor, size_t count)
{
    const bool fits = tensor != nullptr && tensor->type == kType && tensor->bytes == count * sizeof(axe_tflm_code);
    return fits ? static_cast<axe_tflm_code *>(tensor->data.data) : nullptr;
}

int SetUp(uint8_t *arena, size_t bytes)
{
    const tflite::Model *model = tflite::GetModel(AXE_TFLM_MODEL);
    Resolver *resolver = new (resolver_room.bytes) Resolver();
    if (model->version() != TFLITE_SCHEMA_VERSION || !AddOps(*resolver)) {
        return AXE_TFLM_REFUSED;
    }
    auto *watched = new (arena_room.bytes) WatchedArena(arena, bytes);
    auto *planner = new (planner_room.bytes) tflite::GreedyMemoryPlanner();
    tflite::MicroAllocator *allocator = tflite::MicroAllocator::Create(watched, planner);
    auto *made = new (interpreter_room.bytes) tflite::MicroInterpreter(model, *resolver, allocator);
    if (made->AllocateTensors() != kTfLiteOk) {
        return AXE_TFLM_REFUSED;
    }
    input = Codes(made->input(0), AXE_TFLM_CODES);
    answer = Codes(made->output(AXE_TFLM_ANSWER), AXE_TFLM_OUTPUTS);
    bool is_whole = input != nullptr && answer != nullptr;
#ifdef AXE_TFLM_LOGIT
    logit = Codes(made->output(AXE_TFLM_LOGIT), 1);
    is_whole = is_whole && logit != nullptr;
#endif
    if (!is_whole) {
        return AXE_TFLM_REFUSED;
    }
    watched->stop_watching();
    interpreter = made;
    return AXE_TFLM_OK;
}

} // namespace

int AXE_TFLM_OPEN(void *arena, size_t bytes)
{
    interpreter = nullptr;
    has_failed = false;
    if (setjmp(shortage) != 0) {
        return AXE_TFLM_SHORT_ARENA;
    }
    return SetUp(static_cast<uint8_t *>(arena), bytes);
}

int32_t AXE_TFLM_RUN(const axe_tflm_code *in, axe_tflm_code *out, int32_t least)
{
    if (interpreter == nullptr) {
        has_failed = true;
        return AXE_TFLM_FAILED;
    }
    std::memcpy(input, in, AXE_TFLM_CODES * sizeof *in);
    if (interpreter->Invoke() != kTfLiteOk) {
        has_failed = true;
        return AXE_TFLM_FAILED;
    }
    const int32_t code = logit == nullptr ? kLargestCode : *logit;
    if (code >= least) {
        std::memcpy(out, answer, AXE_TFLM_OUTPUTS * sizeof *out);
    }
    return code;
}

bool AXE_TFLM_TAKE_FAILURE(void)
{
    const bool failed = has_failed;
    has_failed = false;
    return failed;
}
