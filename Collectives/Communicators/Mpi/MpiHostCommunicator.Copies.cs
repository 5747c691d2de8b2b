using System.Runtime.InteropServices;
using CollectivesSharp.Interop;

namespace CollectivesSharp;

internal sealed unsafe partial class MpiHostCommunicator
{
    public void Barrier(HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.Barrier, default, default, 0, 0), options);
        try
        {
            FirstPhase();
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Memory of each process: how its bytes travel is MPI's affair. Compared like every call.</summary>
    public SafeBuffer Allocate(nuint bytes, HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.AllocateHost, DataType.UInt8, default, 0, (long)bytes), options);
        try
        {
            FirstPhase();
        }
        finally
        {
            Leave();
        }

        return new PrivateHostMemory(bytes);
    }

    public void Broadcast(nint buffer, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Broadcast, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            if (bytes <= Hello.PayloadBytes)
                Run(new BroadcastWholePlan((byte*)buffer, bytes, root), bytes);
            else
            {
                FirstPhase();
                RunSteps(new BroadcastByOwnersPlan((byte*)buffer, bytes, root), ChunksOf(bytes) + BroadcastByOwnersPlan.Lag);
            }
        }
        finally
        {
            Leave();
        }
    }

    public void AllGather(nint input, nint output, ReadOnlySpan<nuint> counts, DataType type, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(counts, _members.Length, nameof(counts));
        Enter(HostCall.WithCounts(CollectiveKind.AllGather, type, default, counts), options);
        try
        {
            nuint longest = SetLengths(counts, type);
            Run(new AllGatherPlan((byte*)input, (byte*)output), longest);
        }
        finally
        {
            Leave();
        }
    }

    public void Gather(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Gather, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Fill(_lengths, bytes);
            Run(new GatherPlan((byte*)input, (byte*)output, root), bytes);
        }
        finally
        {
            Leave();
        }
    }

    public void Scatter(nint input, nint output, nuint count, DataType type, int root, HostCallOptions options = default)
    {
        HostArguments.CheckRoot(root, _members.Length);
        Enter(new HostCall(CollectiveKind.Scatter, type, default, root, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Run(new ScatterPlan((byte*)input, (byte*)output, bytes, root), bytes);
        }
        finally
        {
            Leave();
        }
    }

    public void AllToAll(nint input, nint output, nuint count, DataType type, HostCallOptions options = default)
    {
        Enter(new HostCall(CollectiveKind.AllToAll, type, default, 0, (long)count), options);
        try
        {
            nuint bytes = count * (nuint)type.SizeInBytes();
            Array.Fill(_lengths, bytes);
            Array.Fill(_sendLengths, bytes);
            Run(new AllToAllPlan((byte*)input, (byte*)output), bytes);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Everybody sees all counts: the longest pair makes the number of steps, and a pair that disagrees is found by both and by all others.</summary>
    public void AllToAllV(nint input, ReadOnlySpan<nuint> sendCounts, nint output, ReadOnlySpan<nuint> receiveCounts, DataType type, HostCallOptions options = default)
    {
        HostArguments.CheckCounts(sendCounts, _members.Length, nameof(sendCounts));
        HostArguments.CheckCounts(receiveCounts, _members.Length, nameof(receiveCounts));
        Enter(new HostCall(CollectiveKind.AllToAllV, type, default, 0, 0), options);
        try
        {
            SetLengths(receiveCounts, type);
            for (int rank = 0; rank < _members.Length; rank++)
                _sendLengths[rank] = sendCounts[rank] * (nuint)type.SizeInBytes();
            FirstPhase(default(LengthsPlan));
            RunSteps(new AllToAllPlan((byte*)input, (byte*)output), (CompareLengths() + _steps.SlotBytes - 1) / _steps.SlotBytes);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Returns the longest pair's length, in bytes.</summary>
    private nuint CompareLengths()
    {
        nuint longest = 0;
        for (int from = 0; from < _members.Length; from++)
        {
            for (int to = 0; to < _members.Length; to++)
            {
                nuint sent = from == _rank ? _sendLengths[to] : ((nuint*)(_hello.In(from) + Hello.HeaderBytes))[to];
                nuint expected = to == _rank ? _lengths[from] : ((nuint*)(_hello.In(to) + Hello.HeaderBytes))[_members.Length + from];
                if (sent != expected)
                    ThrowMismatch($"the ranks made different calls: {_members[from]} sends {sent} bytes to {_members[to]}, which expects {expected}.");
                longest = Math.Max(longest, sent);
            }
        }

        return longest;
    }

    /// <summary>Bytes of each rank's part, for the plans; returns the longest.</summary>
    private nuint SetLengths(ReadOnlySpan<nuint> counts, DataType type)
    {
        nuint longest = 0;
        for (int rank = 0; rank < counts.Length; rank++)
        {
            _lengths[rank] = counts[rank] * (nuint)type.SizeInBytes();
            longest = Math.Max(longest, _lengths[rank]);
        }

        return longest;
    }

    /// <summary>Where a rank's part begins in a buffer of all parts.</summary>
    private static nuint StartOf(nuint[] lengths, int rank)
    {
        nuint start = 0;
        for (int before = 0; before < rank; before++)
            start += lengths[before];
        return start;
    }
}
