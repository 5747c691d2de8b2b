// Times MPI collectives, out of place, by the definitions of bench/Perf: a barrier, then N calls back to back, the mean over the calls and over the ranks.
// usage: mpi_bench COLLECTIVE MIN_BYTES MAX_BYTES ITERATIONS WARMUP   prints "collective,bytes,time_us" on rank 0
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void call(const char *collective, float *input, float *output, int count, int ranks) {
    if (!strcmp(collective, "all-reduce"))
        MPI_Allreduce(input, output, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
    else if (!strcmp(collective, "all-gather"))
        MPI_Allgather(input, count / ranks, MPI_FLOAT, output, count / ranks, MPI_FLOAT, MPI_COMM_WORLD);
    else
        MPI_Alltoall(input, count / ranks, MPI_FLOAT, output, count / ranks, MPI_FLOAT, MPI_COMM_WORLD);
}

int main(int argc, char **argv) {
    if (argc != 6)
        return 2;
    MPI_Init(&argc, &argv);
    int rank, ranks, iterations = atoi(argv[4]), warmup = atoi(argv[5]);
    long min = atol(argv[2]), max = atol(argv[3]);
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    float *input = aligned_alloc(4096, (max + 4095) / 4096 * 4096), *output = aligned_alloc(4096, (max + 4095) / 4096 * 4096);
    for (long bytes = min; bytes <= max; bytes *= 2) {
        int count = (int)(bytes / sizeof(float));
        for (int i = 0; i < count; i++)
            input[i] = output[i] = (float)(((i * 2654435761u) >> 29) + rank);
        for (int i = 0; i < warmup; i++)
            call(argv[1], input, output, count, ranks);
        MPI_Barrier(MPI_COMM_WORLD);
        double start = MPI_Wtime();
        for (int i = 0; i < iterations; i++)
            call(argv[1], input, output, count, ranks);
        double own = (MPI_Wtime() - start) / iterations * 1e6, sum;
        MPI_Allreduce(&own, &sum, 1, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
        if (rank == 0)
            printf("%s,%ld,%.3f\n", argv[1], bytes, sum / ranks);
    }
    MPI_Finalize();
    return 0;
}
