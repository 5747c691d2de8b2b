using System.Reflection;
using CollectivesSharp.Interop;
using Xunit;

namespace CollectivesSharp.Native;

public sealed unsafe class NcclTests
{
    [Theory]
    [InlineData(22809, 22809u)]
    [InlineData(23207, 23200u)]
    public void A_new_config_leaves_every_choice_to_the_library(int library, uint expectedVersion)
    {
        ncclConfig_t config = ncclConfig_t.Undefined(library);

        Assert.Equal(((nuint)sizeof(ncclConfig_t), 0xcafebeef, expectedVersion), (config.size, config.magic, config.version));
        foreach (FieldInfo field in typeof(ncclConfig_t).GetFields(BindingFlags.Instance | BindingFlags.Public).Skip(3))
        {
            object? value = field.GetValue(config);
            if (field.FieldType == typeof(int))
                Assert.Equal((field.Name, int.MinValue), (field.Name, value));
            else
                Assert.True(Pointer.Unbox(value!) == null, field.Name);
        }
    }

    [Theory]
    [InlineData(22809, "2.28.9")]
    [InlineData(21801, "2.18.1")]
    [InlineData(2708, "2.7.8")]
    public void A_version_code_reads_as_ncclGetVersion_means_it(int code, string text) => Assert.Equal(text, NcclFeatures.VersionText(code));

    [Fact]
    public void A_call_without_the_library_lists_where_it_was_looked_for()
    {
        Assert.SkipWhen(NativeLibraryLocator.TryFind(NativeLibraryKind.Nccl, out _, out _, out _), "NCCL is on this machine.");
        NativeLibraryNotFoundException missing = Assert.Throws<NativeLibraryNotFoundException>(() => NcclNative.ncclGetVersion(null));

        Assert.StartsWith("NCCL (libnccl.so.2) was not found.", missing.Message, StringComparison.Ordinal);
        Assert.Contains("libnccl.so.2 by the loader: libnccl.so.2: cannot open shared object file", missing.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Asking_for_a_function_without_the_library_answers_no()
    {
        Assert.SkipWhen(NativeLibraryLocator.TryFind(NativeLibraryKind.Nccl, out _, out _, out _), "NCCL is on this machine.");

        Assert.False(NcclFeatures.Has(nameof(NcclNative.ncclCommGrow)));
    }

    [Fact]
    public void A_missing_function_is_told_with_the_version_that_has_it()
    {
        var table = new FeatureTable(NativeLibraryKind.Nccl, () => "NCCL 2.28.9", ("2.29.2", ["ncclCommGrow"]));

        EntryPointNotFoundException missing = table.Missing("ncclCommGrow", new EntryPointNotFoundException());

        Assert.StartsWith("NCCL 2.28.9 at ", missing.Message, StringComparison.Ordinal);
        Assert.EndsWith(" has no ncclCommGrow; 2.29.2 or newer has it. COLLECTIVES_NCCL_PATH names another file.", missing.Message, StringComparison.Ordinal);
    }
}
