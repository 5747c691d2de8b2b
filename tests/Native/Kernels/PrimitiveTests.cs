using CollectivesSharp.Cuda;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

/// <summary>
/// The primitives of device.cuh become the instructions that the arguments for the kernels' order speak of. A change of the compiler or of a primitive shows in primitives.ptx;
/// COLLECTIVES_TEST_PTX=FILE writes what is found.
/// </summary>
public sealed class PrimitiveTests
{
    /// <summary>The compiler whose output is kept: another one may move other instructions about.</summary>
    private const string Version = "12.4";

    private const string Kernels = """
        #include "device.cuh"
        #define KERNEL(name, ...) extern "C" __global__ void name(__VA_ARGS__)
        KERNEL(load_relaxed_u8, const u8 *from, u8 *to) { *to = load_relaxed(from); }
        KERNEL(load_relaxed_u16, const u16 *from, u16 *to) { *to = load_relaxed(from); }
        KERNEL(load_relaxed_u32, const u32 *from, u32 *to) { *to = load_relaxed(from); }
        KERNEL(load_relaxed_u64, const u64 *from, u64 *to) { *to = load_relaxed(from); }
        KERNEL(load_relaxed_packet, const Packet *from, Packet *to) { *to = load_relaxed(from); }
        KERNEL(load_relaxed_pair, const Pair *from, Pair *to) { *to = load_relaxed(from); }
        KERNEL(store_relaxed_u8, u8 *to, u8 value) { store_relaxed(to, value); }
        KERNEL(store_relaxed_u16, u16 *to, u16 value) { store_relaxed(to, value); }
        KERNEL(store_relaxed_u32, u32 *to, u32 value) { store_relaxed(to, value); }
        KERNEL(store_relaxed_u64, u64 *to, u64 value) { store_relaxed(to, value); }
        KERNEL(store_relaxed_packet, Packet *to, Packet value) { store_relaxed(to, value); }
        KERNEL(store_relaxed_pair, Pair *to, Pair value) { store_relaxed(to, value); }
        KERNEL(load_acquire_u64, const u64 *from, u64 *to) { *to = load_acquire(from); }
        KERNEL(store_release_u32, u32 *to, u32 value) { store_release(to, value); }
        KERNEL(store_release_u64, u64 *to, u64 value) { store_release(to, value); }
        KERNEL(fence_system_all, ) { fence_system(); }
        KERNEL(add_relaxed_u64, u64 *to, u64 value, u64 *before) { *before = add_relaxed(to, value); }
        KERNEL(exchange_if_equal_u32, u32 *to, u32 expected, u32 value, u32 *before) { *before = exchange_if_equal(to, expected, value); }
        KERNEL(read_packet_any, const void *from, void *to) { write_packet(to, read_packet(from)); }
        KERNEL(block_barrier_all, ) { block_barrier(); }
        KERNEL(block_barrier_or_bool, u32 *to) { *to = block_barrier_or(*to != 0); }
        KERNEL(thread_and_block, u32 *to) { to[0] = thread_in_block(); to[1] = block_in_grid(); to[2] = threads_in_block(); to[3] = blocks_in_grid(); }
        KERNEL(block_memory, u32 *to) { store_block(1, 7); block_barrier(); *to = load_block(2); }
        KERNEL(cluster_shape, u32 *to) { to[0] = blocks_in_cluster(); to[1] = block_in_cluster(); }
        KERNEL(cluster_barrier, ) { cluster_arrive(); cluster_wait(); }
        KERNEL(cluster_words, u32 *to, u32 words, u32 block, u32 value) { expect_words(2, words); send_word(block, 4, 2, value); await_words(2); *to = load_block(4); }
        KERNEL(shuffle_xor_u32, u32 *to) { *to = shuffle_xor(*to, 4); }
        KERNEL(dependent_grids, ) { let_next_grid_start(); wait_for_previous_grid(); }
        KERNEL(nanoseconds_u64, u64 *to) { *to = nanoseconds(); }
        KERNEL(minimum_f32, float *to, float left, float right) { *to = minimum(left, right); }
        KERNEL(maximum_f32, float *to, float left, float right) { *to = maximum(left, right); }
        KERNEL(multiply_add_f32, float *to, float left, float right, float addend) { *to = multiply_add(left, right, addend); }
        KERNEL(square_root_f32, float *to, float value) { *to = square_root(value); }
        KERNEL(float_of_half_u32, float *to, u32 bits) { *to = float_of_half(bits); }
        KERNEL(halves_of_f32, u32 *to, float low, float high) { *to = halves_of(low, high); }
        KERNEL(bfloat16s_of_f32, u32 *to, float low, float high) { *to = bfloat16s_of(low, high); }
        KERNEL(halves_of_e4m3s_u32, u32 *to, u32 pair) { *to = halves_of_e4m3s(pair); }
        KERNEL(halves_of_e5m2s_u32, u32 *to, u32 pair) { *to = halves_of_e5m2s(pair); }
        KERNEL(e4m3s_of_f32, u32 *to, float low, float high) { *to = e4m3s_of(low, high); }
        KERNEL(e5m2s_of_f32, u32 *to, float low, float high) { *to = e5m2s_of(low, high); }
        """;

    [Fact]
    public void Each_primitive_is_the_instruction_that_it_says()
    {
        Libraries.Need(NativeLibraryKind.Nvrtc);
        Assert.SkipUnless(KernelCompiler.Version == Version, $"primitives.ptx is of NVRTC {Version}; here is {KernelCompiler.Version}.");
        KernelSource device = CollectiveKernels.Source("all_reduce_one_shot");
        string found = Ptx.Instructions(Ptx.Compile(new KernelSource("primitives.cu", Kernels, device.Headers), "sm_90", out _));

        if (Environment.GetEnvironmentVariable("COLLECTIVES_TEST_PTX") is { Length: > 0 } file)
            File.WriteAllText(file, found);
        Assert.Equal(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Kernels", "primitives.ptx")).ReplaceLineEndings("\n"), found);
    }
}
