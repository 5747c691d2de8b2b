using CollectivesSharp.Interop;

namespace CollectivesSharp;

/// <summary>Picks the way of an all-reduce. Pure: the same facts and the same request give the same route on every rank. Allocates nothing where there is a route.</summary>
internal static class AllReduceRouter
{
    /// <summary>
    /// What a rank sends out by one-shot, WorldSize - 1 times its input, up to which it is faster than NCCL's ring, which sends the input less than twice: on 4 H100s both take 40 to 45 µs when 12 MiB leave each
    /// rank. A cautious third of it.
    /// </summary>
    internal const nuint OneShotTraffic = 4 << 20;

    internal static AllReduceChoice Route(in AllReduceRequest request, AllReduceFacts facts)
    {
        string? cannot = OneShotObjection(request, facts);
        if (facts.Forced == AllReduceRoute.OneShot && cannot is null)
            return new(AllReduceRoute.OneShot, "forced");
        if (facts.NcclObjection is not null)
        {
            return cannot is null
                ? new(AllReduceRoute.OneShot, "NCCL is not there")
                : new(AllReduceRoute.None, $"NCCL: {facts.NcclObjection} One-shot: {cannot}.");
        }

        if (facts.Forced == AllReduceRoute.Nccl)
            return new(AllReduceRoute.Nccl, "forced");
        if (cannot is not null)
            return new(AllReduceRoute.Nccl, cannot);
        nuint traffic = request.Count * (nuint)request.Type.SizeInBytes() * (nuint)(facts.WorldSize - 1);
        return traffic <= OneShotTraffic
            ? new(AllReduceRoute.OneShot, "one trip and no synchronisation beat NCCL's bandwidth at this size")
            : new(AllReduceRoute.Nccl, "one-shot sends every input to every rank, too much at this size");
    }

    /// <summary>Null: it can.</summary>
    private static string? OneShotObjection(in AllReduceRequest request, AllReduceFacts facts) =>
        facts.PeerObjection is not null ? facts.PeerObjection
        : request.Op.Scaled is not null ? "premultiplied sums are NCCL's"
        : !PeerKernelVariant.Has(request.Type, request.Op.Op) ? "our kernels reduce float32, float16, bfloat16 and fp8, by sum, minimum, maximum and average"
        : PeerLaunch.Packets(request.Count, request.Type) > facts.HalfBytes / (nuint)(PeerLaunch.PacketBytes * facts.WorldSize) ? "the inputs of all ranks are more than half of the peer memory, see GroupOptions.ArenaBytes"
        : null;
}
