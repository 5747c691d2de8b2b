using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Unit;

public class HostCallTests
{
    [Fact]
    public void Calls_that_differ_in_anything_have_different_signatures()
    {
        HashSet<long> signatures = [];
        int calls = 0;
        foreach (CollectiveKind kind in Enum.GetValues<CollectiveKind>())
        {
            foreach (DataType type in Enum.GetValues<DataType>())
            {
                foreach (ReduceOp op in Enum.GetValues<ReduceOp>())
                {
                    foreach (int root in (int[])[0, 1, 63, SegmentLayout.MaxRanks - 1])
                    {
                        foreach (long count in (long[])[0, 1, 2, int.MaxValue, (1L << 37) - 1])
                        {
                            signatures.Add(new HostCall(kind, type, op, root, count).Signature);
                            calls++;
                        }
                    }
                }
            }
        }

        Assert.Equal(calls, signatures.Count);
        Assert.DoesNotContain(signatures, signature => signature < 0);
    }

    [Fact]
    public void A_call_that_does_not_fit_into_its_signature_says_so()
    {
        Assert.True(new HostCall(CollectiveKind.Broadcast, DataType.UInt8, default, 3, 1L << 37).Signature < 0);
        Assert.True(HostCall.WithCounts(CollectiveKind.AllGather, DataType.UInt8, default, [1, 2]).Signature < 0);
        Assert.True(HostCall.WithCounts(CollectiveKind.AllGather, DataType.UInt8, default, [2, 2]).Signature > 0);
    }
}
