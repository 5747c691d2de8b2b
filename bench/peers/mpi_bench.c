// Times MPI collectives, out of place, by the definitions of bench/Perf: a barrier, then N calls back to back, the mean over the calls and over the ranks.
// "fresh", as bench/Perf's --fresh: each call's input is written just before it, and the call timed by itself after barriers.
// "alloc": the buffers come from MPI_Alloc_mem, as bench/Perf's --group-memory takes the group's.
// usage: mpi_bench COLLECTIVE MIN_BYTES MAX_BYTES ITERATIONS WARMUP [fresh] [alloc]   prints "collective,bytes,time_us" on rank 0
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fill(float *data, int count, int seed, int rank) {
    for (int i = 0; i < count; i++)
        data[i] = (float)((((unsigned)i * 2654435761u + (unsigned)seed * 668265263u) >> 29) + (unsigned)rank);
}

// Writes every line at the caches' speed.
static void flip_signs(float *data, int count) {
    for (int i = 0; i < count; i++)
        data[i] = -data[i];
}

static void call(const char *collective, float *input, float *output, int count, int ranks) {
    if (!strcmp(collective, "all-reduce"))
        MPI_Allreduce(input, output, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    else if (!strcmp(collective, "all-gather"))
        MPI_Allgather(input, count / ranks, MPI_FLOAT, output, count / ranks, MPI_FLOAT, MPI_COMM_WORLD);
    else
        MPI_Alltoall(input, count / ranks, MPI_FLOAT, output, count / ranks, MPI_FLOAT, MPI_COMM_WORLD);
}

static double time_back_to_back(const char *collective, float *input, float *output, int count, int ranks, int iterations, int warmup) {
    for (int i = 0; i < warmup; i++)
        call(collective, input, output, count, ranks);
    MPI_Barrier(MPI_COMM_WORLD);
    double start = MPI_Wtime();
    for (int i = 0; i < iterations; i++)
        call(collective, input, output, count, ranks);
    return MPI_Wtime() - start;
}

static double time_fresh(const char *collective, float *input, float *output, int count, int ranks, int rank, int iterations, int warmup) {
    int sent = strcmp(collective, "all-gather") ? count : count / ranks;
    double total = 0;
    fill(input, sent, iterations, rank);
    for (int i = 1 - warmup; i <= iterations; i++) {
        flip_signs(input, sent);
        // Two, as bench/Perf: there a rank may fall asleep in the first.
        MPI_Barrier(MPI_COMM_WORLD);
        MPI_Barrier(MPI_COMM_WORLD);
        double start = MPI_Wtime();
        call(collective, input, output, count, ranks);
        if (i > 0)
            total += MPI_Wtime() - start;
    }
    return total;
}

static float *allocate(long bytes, int alloc) {
    float *memory = NULL;
    if (!alloc)
        return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    MPI_Alloc_mem(bytes, MPI_INFO_NULL, &memory);
    return memory;
}

int main(int argc, char **argv) {
    if (argc < 6)
        return 2;
    int fresh = 0, alloc = 0;
    for (int i = 6; i < argc; i++) {
        if (!strcmp(argv[i], "fresh"))
            fresh = 1;
        else if (!strcmp(argv[i], "alloc"))
            alloc = 1;
        else
            return 2;
    }
    MPI_Init(&argc, &argv);
    int rank, ranks, iterations = atoi(argv[4]), warmup = atoi(argv[5]);
    long min = atol(argv[2]), max = atol(argv[3]);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    float *input = allocate(max, alloc), *output = allocate(max, alloc);
    for (long bytes = min; bytes <= max; bytes *= 2) {
        int count = (int)(bytes / sizeof(float));
        fill(input, count, 0, rank);
        fill(output, count, 0, rank);
        double own, sum;
        if (fresh)
            own = time_fresh(argv[1], input, output, count, ranks, rank, iterations, warmup) / iterations * 1e6;
        else
            own = time_back_to_back(argv[1], input, output, count, ranks, iterations, warmup) / iterations * 1e6;
        MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        if (rank == 0)
            printf("%s,%ld,%.3f\n", argv[1], bytes, sum / ranks);
    }
    MPI_Finalize();
    return 0;
}
