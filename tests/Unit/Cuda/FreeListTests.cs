using CollectivesSharp.Cuda;
using Xunit;

namespace CollectivesSharp.Unit.Cuda;

public sealed class FreeListTests
{
    [Fact]
    public void Parts_never_overlap_and_what_is_given_back_in_any_order_is_whole_again()
    {
        int seed = Environment.TickCount;
        Random random = new(seed);
        FreeList list = new(1000);
        List<(nuint Offset, nuint Bytes)> taken = [];
        for (int i = 0; i < 10_000; i++)
        {
            nuint wanted = (nuint)random.Next(1, 200);
            if (random.Next(2) == 0 && list.TryTake(wanted, out nuint offset))
            {
                Assert.True(offset + wanted <= 1000 && taken.All(part => part.Offset + part.Bytes <= offset || offset + wanted <= part.Offset), $"seed {seed}, step {i}");
                taken.Add((offset, wanted));
            }
            else if (taken.Count > 0)
            {
                int which = random.Next(taken.Count);
                list.Give(taken[which].Offset, taken[which].Bytes);
                taken.RemoveAt(which);
            }

            Assert.True(list.IsWhole == (taken.Count == 0), $"seed {seed}, step {i}");
        }

        taken.ForEach(part => list.Give(part.Offset, part.Bytes));
        Assert.True(list.TryTake(1000, out _), $"seed {seed}");
        Assert.False(list.TryTake(1, out _));
    }
}
