using Xunit;

namespace CollectivesSharp.Failures;

/// <summary>Tests that measure seconds, or count what lies in shared memory: one after the other, after all others. Those over the stubs mostly wait, several at a time.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class Alone
{
    internal const string Name = "alone";
}
